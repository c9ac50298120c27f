package service_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// count is a number that a statement gives.
func (h *house) count(text string, args ...any) int {
	h.t.Helper()
	var n int
	if err := h.db.App.GetContext(h.t.Context(), &n, text, args...); err != nil {
		h.t.Fatal(err)
	}
	return n
}

const countDeclared = "SELECT count(*) FROM care_relationship WHERE kind >= 5"

func TestNoAnswerWithoutAudit(t *testing.T) {
	t.Parallel()
	h, _, _, medic := ward(t)
	h.audit.setDown(true)
	first := h.declaration(medic, kindEmergency)
	_, err := h.relationships.DeclareCareRelationship(t.Context(), first)
	wants(t, err, codes.Unavailable, "AUDIT_UNAVAILABLE")

	h.audit.setDown(false)
	again := h.declaration(medic, kindEmergency)
	again.RequestId = first.GetRequestId()
	answer := must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), again)).GetCareRelationship()
	if n := h.count(countDeclared); n != 1 {
		t.Errorf("%d relationships were made", n)
	}
	e := h.audit.byID(first.GetEvent().GetEventId())
	if e.GetChange().GetId() != answer.GetId() {
		t.Errorf("answered %v, accounted for %v", answer.GetId(), e.GetChange())
	}
	if h.audit.byID(again.GetEvent().GetEventId()) != nil {
		t.Error("the repeated request was accounted for as a change of its own")
	}
}

func TestSameRequestInFlight(t *testing.T) {
	t.Parallel()
	h, _, _, medic := ward(t)
	id := uuid.NewString()
	answers := make([]*identityv1.DeclareCareRelationshipResponse, 8)
	var calls sync.WaitGroup
	for i := range answers {
		req := h.declaration(medic, kindEmergency)
		req.RequestId = id
		calls.Go(func() {
			var err error
			if answers[i], err = h.relationships.DeclareCareRelationship(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	for _, a := range answers[1:] {
		if diff := cmp.Diff(answers[0], a, protocmp.Transform()); diff != "" {
			t.Error(diff)
		}
	}
	if n := h.count(countDeclared); n != 1 {
		t.Errorf("%d relationships were made", n)
	}
	if n := len(h.audit.byAction("relationship.declare")); n != 1 {
		t.Errorf("%d events", n)
	}
}

func TestRequestIDOfAnotherRequest(t *testing.T) {
	t.Parallel()
	h, _, _, medic := ward(t)
	req := h.declaration(medic, kindEmergency)
	must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), req))
	req.ReasonText = "another reason altogether"
	_, err := h.relationships.DeclareCareRelationship(t.Context(), req)
	wants(t, err, codes.Aborted, "REQUEST_ID_REUSED")
	// Somebody else's request with the same id is another request.
	req = h.declaration(medic, kindEmergency)
	req.Event.Actor.StaffId = uuid.NewString()
	must[*identityv1.DeclareCareRelationshipResponse](t)(h.relationships.DeclareCareRelationship(t.Context(), req))
	if n := h.count(countDeclared); n != 2 {
		t.Errorf("%d relationships", n)
	}
}
