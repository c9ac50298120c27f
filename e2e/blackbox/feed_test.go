package blackbox_test

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// feeds: what is sent counts once, and two at the same instant both count.
func (s *suite) feeds(t *testing.T) {
	t.Run("at the same instant", s.sameInstant)
	t.Run("again while the first is stored", s.againMeanwhile)
	t.Run("a contradiction is refused and seen", s.contradiction)
	t.Run("each bundle is an event", s.feedEvent)
	t.Run("equal entries are one", s.deduplicated)
}

// sameInstant: eight organisations' bundles about one new person at the same moment all count.
func (s *suite) sameInstant(t *testing.T) {
	p := s.newPerson(t)
	senders := []string{ambulance, hospital, "RBD", "RDY", council, "E06000058", practice, "J81901"}
	var all sync.WaitGroup
	results := make([]result, len(senders))
	for i, ods := range senders {
		token := s.system(t, ods).token
		bundle := feed(t, puts(p.patient(practice, nil), p.attendance("attendance-"+ods+p.number),
			p.condition("c-"+p.number, fmt.Sprintf("1959670%02d", i), "Condition of "+ods, "2020-01-02")))
		all.Go(func() { results[i] = s.overREST("rest", i%replicas, 0).call(t, token, bundle) })
	}
	all.Wait()
	for i, r := range results {
		if r.status != http.StatusOK {
			t.Errorf("%s: %d %s", senders[i], r.status, r.reason)
		}
	}
	who := s.hire(t, "R0260", ambulance, "")
	for _, ods := range senders {
		s.find(t, who, p.number, "Condition of "+ods)
	}
}

// againMeanwhile: the same bundle on both gateways at once is stored once.
func (s *suite) againMeanwhile(t *testing.T) {
	p := s.newPerson(t)
	token := s.system(t, ambulance).token
	bundle := feed(t, puts(p.patient(practice, nil), p.attendance("attendance-"+p.number), p.condition("c-"+p.number, "195967001", "Asthma", "2020-01-02")))
	var all sync.WaitGroup
	results := make([]result, 6)
	for i := range results {
		all.Go(func() { results[i] = s.overREST("rest", i%replicas, 0).call(t, token, bundle) })
	}
	all.Wait()
	for _, r := range results {
		r.want(t, http.StatusOK, "")
	}
	who := s.hire(t, "R0260", ambulance, "")
	detail := &gatewayv1.EntryDetailView{}
	s.ask(t, who, &gatewayv1.GetEntryRequest{NhsNumber: p.number, Id: s.find(t, who, p.number, "Asthma")}).bodyInto(t, detail)
	if n := len(detail.GetDetail().GetVersions()); n != 1 {
		t.Errorf("%d versions of what was sent six times", n)
	}
}

// contradiction: demographics that contradict the person known are refused; nothing is stored, and the
// refusal is seen by the sender, by administrators, and by staff who open the person.
func (s *suite) contradiction(t *testing.T) {
	p := s.attended(t)
	who := s.hire(t, "R0260", ambulance, "")
	before := s.record(t, who, p.number)
	wrong := p
	wrong.birth = "1901-01-01"
	sender := s.system(t, "RDY")
	bundle := feed(t, puts(wrong.patient(practice, nil), wrong.condition("x-"+p.number, "195967001", "Somebody else's asthma", "2020-01-02")))
	s.ask(t, sender, bundle).want(t, http.StatusUnprocessableEntity, "BIRTH_DATE_DIFFERS")
	after := s.record(t, who, p.number)
	if diff := cmp.Diff(before.GetRecord().GetSections(), after.GetRecord().GetSections(), protocmp.Transform()); diff != "" {
		t.Errorf("a refused bundle changed the record: %s", diff)
	}
	seen := false
	for _, source := range after.GetRecord().GetSources() {
		if source.GetOdsCode() == "RDY" {
			seen = source.GetRefusedAt() != "" && source.GetRefusedReason() == "BIRTH_DATE_DIFFERS"
		}
	}
	if !seen {
		t.Error("staff who open the person are not told that a feed was refused")
	}
	for name, reader := range map[string]member{"the sender": sender, "an administrator": s.admin} {
		refusals := &gatewayv1.ListFeedRefusalsResponse{}
		s.ask(t, reader, &gatewayv1.ListFeedRefusalsRequest{OdsCode: "RDY"}).into(t, refusals)
		if len(refusals.GetRefusals()) == 0 || refusals.GetRefusals()[0].GetReason() != "BIRTH_DATE_DIFFERS" {
			t.Errorf("%s sees %v", name, refusals.GetRefusals())
		}
		if bytes.Contains(text(t, refusals.GetRefusals()), []byte(p.number)) {
			t.Errorf("%s is shown an NHS number in a refusal", name)
		}
	}
	s.ask(t, s.system(t, "RBD"), &gatewayv1.ListFeedRefusalsRequest{OdsCode: "RDY"}).want(t, http.StatusForbidden, "ACCESS_DENIED")
}

func (s *suite) feedEvent(t *testing.T) {
	p := s.newPerson(t)
	sender := s.system(t, ambulance)
	r := s.ask(t, sender, feed(t, puts(p.patient(practice, nil))))
	r.want(t, http.StatusOK, "")
	if d := (expectation{
		action: "feed.submit", outcome: auditv1.Outcome_OUTCOME_CHANGED, number: p.number, who: sender, surface: "fhir",
		rpc: "/dcr.gateway.v1.FhirService/SubmitBundle",
	}).differs(s.event(t, r.eventID)); d != "" {
		t.Error(d)
	}
}

// deduplicated: what two organisations say alike is shown once with both sources; allergies that differ in
// anything stated stay apart.
func (s *suite) deduplicated(t *testing.T) {
	p := s.attended(t)
	for _, ods := range []string{hospital, "RBD"} {
		severe := p.allergy("severe-"+p.number, "91935009", "Allergy to peanut")
		severe["criticality"] = map[string]string{hospital: "high", "RBD": "low"}[ods]
		s.sends(t, ods, puts(p.patient(practice, nil), p.condition("c-"+p.number, "195967001", "Asthma", "2020-01-02"), severe))
	}
	counts, sources := map[string]int{}, map[string]int{}
	for _, section := range s.record(t, s.hire(t, "R0260", ambulance, ""), p.number).GetRecord().GetSections() {
		for _, e := range section.GetEntries() {
			counts[e.GetDisplay()]++
			sources[e.GetDisplay()] = len(e.GetSources())
		}
	}
	if counts["Asthma"] != 1 || sources["Asthma"] != 2 || counts["Allergy to peanut"] != 2 {
		t.Errorf("shown %v from %v sources", counts, sources)
	}
}

// sameRequest: the same request_id is the same change with the same answer; with other content it is refused
// (AIP-155).
func (s *suite) sameRequest(t *testing.T) {
	p := s.attended(t)
	who := s.hire(t, "R0050", "RBD", "")
	in := &gatewayv1.DeclareCareRelationshipRequest{
		RequestId: uuid.NewString(), NhsNumber: p.number, Kind: identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY,
		ReasonCode: "04", ReasonText: "Found unconscious at the quay",
	}
	first := &gatewayv1.DeclareCareRelationshipResponse{}
	s.ask(t, who, in).into(t, first)
	for gateway := range s.rest {
		again := &gatewayv1.DeclareCareRelationshipResponse{}
		s.askAt(t, gateway, who, in).into(t, again)
		if diff := cmp.Diff(first, again, protocmp.Transform()); diff != "" {
			t.Errorf("another answer: %s", diff)
		}
	}
	mine := &gatewayv1.ListCareRelationshipsResponse{}
	s.ask(t, who, &gatewayv1.ListCareRelationshipsRequest{NhsNumber: p.number}).into(t, mine)
	if n := len(mine.GetCareRelationships()); n != 1 {
		t.Errorf("%d relationships of one declaration", n)
	}
	in.ReasonText = "Found unconscious at the harbour"
	s.ask(t, who, in).want(t, http.StatusConflict, "REQUEST_ID_REUSED")
	for _, bad := range []string{"", "1", "00000000-0000-0000-0000-000000000000"} {
		in.RequestId = bad
		s.ask(t, who, in).want(t, http.StatusBadRequest, "REQUEST_ID_REQUIRED", "request_id")
	}
}

// organisations: a prospective one is refused until an administrator switches it on (L12); one that is out of
// area, or ended, or not registered is refused.
func (s *suite) organisations(t *testing.T) {
	p := s.newPerson(t)
	bundle := feed(t, puts(p.patient(practice, nil)))
	for name, sender := range map[string]member{
		"prospective": s.system(t, "RNZ"), "out of area": s.system(t, "J82900"), "not registered": s.client(t, "system-of-nobody"),
	} {
		if d := s.ask(t, sender, bundle).differs(http.StatusForbidden, "NO_ORGANISATION_CONSENT"); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if s.known(t, p.number) {
		t.Error("something of a refused feed was stored")
	}
	prospective := s.system(t, "RNZ")
	later := &gatewayv1.ActivateOrganisationRequest{RequestId: uuid.NewString(), OdsCode: "RNZ", ActiveFrom: timestamppb.New(time.Now().Add(time.Hour))}
	s.ask(t, s.admin, later).want(t, http.StatusOK, "")
	s.ask(t, prospective, bundle).want(t, http.StatusForbidden, "NO_ORGANISATION_CONSENT")
	s.activation(t, p, bundle)
}

// activation switches an organisation on and ends it again.
func (s *suite) activation(t *testing.T, p person, bundle *gatewayv1.SubmitBundleRequest) {
	sender := s.system(t, "RHM")
	s.ask(t, sender, bundle).want(t, http.StatusForbidden, "NO_ORGANISATION_CONSENT")
	on := &gatewayv1.ActivateOrganisationRequest{RequestId: uuid.NewString(), OdsCode: "RHM"}
	s.ask(t, s.admin, on).want(t, http.StatusOK, "")
	for gateway := range s.rest {
		s.askAt(t, gateway, sender, bundle).want(t, http.StatusOK, "")
	}
	if !s.known(t, p.number) {
		t.Error("the feed of an organisation that was switched on is not there")
	}
	s.ask(t, s.admin, &gatewayv1.EndOrganisationRequest{RequestId: uuid.NewString(), OdsCode: "RHM"}).want(t, http.StatusOK, "")
	for gateway := range s.rest {
		s.askAt(t, gateway, sender, bundle).want(t, http.StatusForbidden, "NO_ORGANISATION_CONSENT")
	}
}
