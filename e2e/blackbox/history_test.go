package blackbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// whoHasSeen: what happened to one person's record is told to that person in words, with proofs, and nothing that is
// not for them; the same events are there as FHIR, and by each filter of the log.
func (s *suite) whoHasSeen(t *testing.T) {
	p := s.attended(t)
	crew, consultant := s.hire(t, paramedic, ambulance, ""), s.hire(t, "R0050", "RBD", "")
	s.record(t, crew, p.number)
	s.ask(t, crew, &gatewayv1.SearchPatientsRequest{FamilyName: p.family, BirthDate: p.birth}).want(t, http.StatusOK, "")
	s.ask(t, consultant, &gatewayv1.GetRecordRequest{NhsNumber: p.number}).want(t, http.StatusForbidden, "NO_RELATIONSHIP")
	s.declare(t, consultant, p.number, identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY)
	s.record(t, consultant, p.number)
	t.Run("in words", func(t *testing.T) { s.toldInWords(t, p, crew, consultant) })
	t.Run("with proofs", func(t *testing.T) { s.toldWithProofs(t, p) })
	t.Run("on paper", func(t *testing.T) {
		got := s.ask(t, s.officer, &gatewayv1.PrintAccessHistoryRequest{NhsNumber: p.number, Receipts: true})
		if got.status != http.StatusOK || !strings.HasPrefix(string(got.raw), "%PDF-") || got.header.Get("Content-Type") != "application/pdf" {
			t.Errorf("%d %s", got.status, got.header.Get("Content-Type"))
		}
	})
	t.Run("by each filter", func(t *testing.T) { s.foundByFilters(t, p, crew, consultant) })
	t.Run("as FHIR", func(t *testing.T) { s.foundAsFHIR(t, p) })
	t.Run("looks at the history are in the log", func(t *testing.T) {
		looks := s.events(t, &gatewayv1.ListEventsRequest{NhsNumber: p.number, Action: "audit.history.view"})
		if len(looks) < 2 || looks[0].GetActor().GetStaffId() != s.officer.id || looks[0].GetBasis().GetPurpose() != "oversight" {
			t.Errorf("looks at the history: %v", looks)
		}
	})
}

// history is the whole of it, as a privacy officer asks for it.
func (s *suite) history(t *testing.T, in *gatewayv1.GetAccessHistoryRequest) *gatewayv1.AccessHistory {
	t.Helper()
	answer := &gatewayv1.GetAccessHistoryResponse{}
	s.ask(t, s.officer, in).into(t, answer)
	return answer.GetHistory()
}

func (s *suite) toldInWords(t *testing.T, p person, crew, consultant member) {
	h := s.history(t, &gatewayv1.GetAccessHistoryRequest{NhsNumber: p.number})
	kinds := map[gatewayv1.AccessLookKind]int{}
	for _, day := range h.GetDays() {
		for _, look := range day.GetLooks() {
			kinds[look.GetKind()]++
			if look.GetWho() == "" || len(look.GetWhat()) == 0 || look.GetTime() == "" || len(look.GetEventIds()) == 0 ||
				look.GetKind() != gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_REFUSED && look.GetWhy() == "" {
				t.Errorf("a look lacks a part: %v", look)
			}
			if strings.Contains(strings.Join(look.GetWhat(), " "), "in another way") {
				t.Errorf("a look has no words of its own: %v", look)
			}
		}
	}
	for _, kind := range []gatewayv1.AccessLookKind{
		gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_SEEN, gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_REFUSED,
		gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_CHANGED, gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_RECEIVED,
	} {
		if kinds[kind] == 0 {
			t.Errorf("nothing is told of kind %v: %v", kind, h.GetDays())
		}
	}
	text, err := protojson.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Paramedic", "Hospital consultant", "South Western Ambulance", "They were not noted as looking after you.", "emergency"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("not told: %q", want)
		}
	}
	for _, not := range []string{crew.id, "session-", "quay", s.stack.IssuerURL(), "127.0.0.1", "R1070", "afeguarding flag"} {
		if strings.Contains(string(text), not) {
			t.Errorf("told: %q", not)
		}
	}
	withheld, err := protojson.Marshal(s.history(t, &gatewayv1.GetAccessHistoryRequest{NhsNumber: p.number, WithholdStaffIds: []string{consultant.id}}))
	if err != nil || strings.Contains(string(withheld), consultant.subject) || !strings.Contains(string(withheld), crew.subject) {
		t.Errorf("a name that is withheld: %v", err)
	}
}

// toldWithProofs waits until the log has signed the events: then each has its place and its proof.
func (s *suite) toldWithProofs(t *testing.T, p person) {
	before := timestamppb.Now()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for {
		h := s.history(t, &gatewayv1.GetAccessHistoryRequest{NhsNumber: p.number, To: before, Receipts: true})
		pending := slices.ContainsFunc(h.GetReceipts(), (*gatewayv1.AccessReceipt).GetPending)
		if !pending && len(h.GetReceipts()) > 4 {
			for _, r := range h.GetReceipts() {
				if len(r.GetLeafHash()) != 32 || !strings.HasPrefix(r.GetProof(), "c2sp.org/tlog-proof@v1\nindex ") {
					t.Errorf("receipt %v", r)
				}
			}
			return
		}
		select {
		case <-limit.C:
			t.Fatalf("receipts stay pending: %v", h.GetReceipts())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *suite) foundByFilters(t *testing.T, p person, crew, consultant member) {
	for name, c := range map[string]struct {
		in   *gatewayv1.ListEventsRequest
		want func(*auditv1.Event) bool
	}{
		"relationship kind": {&gatewayv1.ListEventsRequest{NhsNumber: p.number, RelationshipKind: "emergency"}, func(e *auditv1.Event) bool {
			return e.GetBasis().GetRelationshipKind() == "emergency" && e.GetBasis().GetRelationshipVersion() != ""
		}},
		"marks": {&gatewayv1.ListEventsRequest{NhsNumber: p.number, Marks: []string{"declared", "emergency"}}, func(e *auditv1.Event) bool {
			return slices.Contains(e.GetMarks(), "emergency")
		}},
		"reason": {&gatewayv1.ListEventsRequest{NhsNumber: p.number, Reason: "NO_RELATIONSHIP"}, func(e *auditv1.Event) bool {
			return e.GetActor().GetStaffId() == consultant.id && e.GetActor().GetProfession() == "consultant"
		}},
		"sign-in": {&gatewayv1.ListEventsRequest{StaffId: crew.id, Action: "session.begin"}, func(e *auditv1.Event) bool {
			return e.GetChange().GetId() == "session-"+crew.subject && e.GetActor().GetAssurance() != ""
		}},
		"search": {&gatewayv1.ListEventsRequest{NhsNumber: p.number, Action: "patient.search.match"}, func(e *auditv1.Event) bool {
			return e.GetQuery() == url.Values{"birth_date": {p.birth}, "family_name": {p.family}}.Encode()
		}},
	} {
		events := s.events(t, c.in)
		if len(events) == 0 {
			t.Errorf("%s: found nothing", name)
		}
		for _, e := range events {
			// The declaration itself is an event of its kind, and has no relationship that it rested on.
			if !c.want(e) && e.GetAction() != "relationship.declare" {
				t.Errorf("%s: found %v", name, e)
			}
		}
	}
}

func (s *suite) foundAsFHIR(t *testing.T, p person) {
	to := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	form := url.Values{"patient.identifier": {"https://fhir.nhs.uk/Id/nhs-number|" + p.number}, "_count": {"3"}, "date": {"lt" + to}}.Encode()
	asForm := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	got := s.raw(t, http.MethodPost, "/fhir/R4/AuditEvent/_search", s.officer.token, asForm, []byte(form))
	var ids []string
	for {
		page := struct {
			Link  []struct{ Relation, URL string }
			Entry []struct{ Resource json.RawMessage }
		}{}
		if err := json.Unmarshal(got.raw, &page); err != nil || got.status != http.StatusOK {
			t.Fatalf("%d %s: %v", got.status, got.raw, err)
		}
		for _, e := range page.Entry {
			ids = append(ids, s.oneAuditEvent(t, e.Resource, p))
		}
		next := ""
		for _, l := range page.Link {
			if l.Relation == "next" {
				next = l.URL
			}
		}
		if next == "" {
			break
		}
		if strings.Contains(next, p.number) {
			t.Errorf("the link to the next page names the person: %s", next)
		}
		got = s.raw(t, http.MethodGet, next, s.officer.token, nil, nil)
	}
	at, err := time.Parse(time.RFC3339Nano, to)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, e := range s.events(t, &gatewayv1.ListEventsRequest{NhsNumber: p.number, To: timestamppb.New(at)}) {
		want = append(want, e.GetId())
	}
	if !slices.Equal(ids, want) {
		t.Errorf("FHIR shows %d events, the log %d:\n%v\n%v", len(ids), len(want), ids, want)
	}
	read := s.ask(t, s.officer, &gatewayv1.ReadAuditEventRequest{Id: ids[0]})
	if read.status != http.StatusOK || s.oneAuditEvent(t, read.raw, p) != ids[0] {
		t.Errorf("read: %d %s", read.status, read.raw)
	}
	if e := s.event(t, read.eventID); e.GetNhsNumber() != p.number || e.GetAction() != "audit.fhir.read" {
		t.Errorf("the look is accounted for as %v", e)
	}
}

// oneAuditEvent wants a resource with exactly one patient, and gives its id.
func (s *suite) oneAuditEvent(t *testing.T, raw []byte, p person) string {
	t.Helper()
	r := struct {
		ResourceType, ID string
		Entity           []struct {
			Type struct{ Code string }
			What struct{ Identifier struct{ Value string } }
		}
	}{}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	patients := 0
	for _, e := range r.Entity {
		if e.Type.Code == "1" && e.What.Identifier.Value == p.number {
			patients++
		}
	}
	if patients != 1 || r.ResourceType != "AuditEvent" {
		t.Errorf("%s with %d patients: %s", r.ResourceType, patients, raw)
	}
	return r.ID
}
