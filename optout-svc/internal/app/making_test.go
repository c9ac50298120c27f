package app

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"
)

// mary is whom optOut is about, as identity-svc knows her.
func mary() somebody {
	return somebody{number: person, family: "Anning", born: "1999-05-21", postcode: "DT1 1XJ", address: []string{"1 Example Street", "Dorchester"}}
}

// today and the birth date of somebody who has that age today.
func bornYearsAgo(years int) string { return time.Now().AddDate(-years, 0, -1).Format(time.DateOnly) }

// child is a child of 8 whom identity-svc knows.
func child() somebody {
	return somebody{number: otherPerson, family: "Cutler", born: bornYearsAgo(8), postcode: "DT1 1XJ", address: []string{"2 Example Street"}}
}

// parents is a request by a parent for that child, with what evidence there is.
func parents(c somebody, evidence ...*optoutv1.EvidenceItem) *optoutv1.RegisterOptOutRequest {
	req := optOut(c.number)
	req.Requester = optoutv1.Requester_REQUESTER_PARENT
	req.Claimed = &optoutv1.ClaimedPerson{NhsNumber: c.number, FamilyName: c.family, BirthDate: c.born, Postcode: c.postcode}
	req.AskedBy = &optoutv1.RequesterDetails{FamilyName: c.family, GivenNames: "Ruth", BirthDate: bornYearsAgo(40), Relation: "mother"}
	req.EvidenceItems = evidence
	return req
}

// proofs are what a parent has to show by telephone.
func proofs() []*optoutv1.EvidenceItem {
	return []*optoutv1.EvidenceItem{
		{Kind: "call_reference", Note: "call 4711"}, {Kind: "identity_questions", Note: "first line of address, right"},
		{Kind: "taken_by", Note: "the helpline"}, {Kind: "birth_certificate", Note: "copy seen"}, {Kind: "proof_of_requester", Note: "driving licence"},
	}
}

// by is the context of an attempt by somebody in another part.
func by(action, role, profession string) *auditv1.EventContext {
	ec := event(action)
	ec.Actor.StaffId, ec.Actor.RoleCode, ec.Actor.Profession, ec.Actor.Display = "staff-"+role, role, profession, "Somebody on duty"
	return ec
}

// byPublic is that of a member of the public.
func byPublic(action string) *auditv1.EventContext {
	ec := event(action)
	ec.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_PUBLIC}
	return ec
}

// form is the public form, filled in by a person about themselves.
func form(p somebody) *optoutv1.SubmitOptOutRequest {
	return &optoutv1.SubmitOptOutRequest{
		RequestId: uuid.NewString(), Choice: optoutv1.Choice_CHOICE_OUT, Requester: optoutv1.Requester_REQUESTER_SELF,
		Claimed: &optoutv1.ClaimedPerson{FamilyName: p.family, BirthDate: p.born, Postcode: p.postcode}, Event: byPublic("opt_out.public.submit"),
	}
}

// submits sends the form and waits until the system has compared it with who is known.
func (s *suite) submits(req *optoutv1.SubmitOptOutRequest) *optoutv1.OptOut {
	s.t.Helper()
	got, err := s.public().SubmitOptOut(limit(s.t), req)
	if err != nil {
		s.t.Fatalf("submit: %v", err)
	}
	s.await("compared", func() bool {
		return s.byReference(got.GetReference()).GetRequestState() != optoutv1.RequestState_REQUEST_STATE_RECEIVED
	})
	return s.byReference(got.GetReference())
}

// byReference finds a request with its whole history.
func (s *suite) byReference(reference string) *optoutv1.OptOut {
	s.t.Helper()
	resp, err := s.reader().ListOptOuts(limit(s.t), &optoutv1.ListOptOutsRequest{Reference: reference})
	if err != nil || len(resp.GetOptOuts()) != 1 {
		s.t.Fatalf("find %s: %v, %v", reference, resp, err)
	}
	return s.get(resp.GetOptOuts()[0].GetId())
}

// makes asks for the effect of a request.
func (s *suite) makes(id string) (*optoutv1.OptOut, error) {
	s.t.Helper()
	resp, err := s.writer().MakeEffective(limit(s.t), &optoutv1.MakeEffectiveRequest{
		RequestId: uuid.NewString(), Id: id, Event: event("opt_out.make_effective"),
	})
	return resp.GetOptOut(), err
}

// records records evidence.
func (s *suite) records(id string, items ...*optoutv1.EvidenceItem) *optoutv1.OptOut {
	s.t.Helper()
	resp, err := s.writer().RecordEvidence(limit(s.t), &optoutv1.RecordEvidenceRequest{
		RequestId: uuid.NewString(), Id: id, EvidenceItems: items, Event: event("opt_out.record_evidence"),
	})
	if err != nil {
		s.t.Fatalf("record evidence: %v", err)
	}
	return resp.GetOptOut()
}

// matches names the person of a request.
func (s *suite) matches(id, nhsNumber, override string) (*optoutv1.OptOut, error) {
	s.t.Helper()
	resp, err := s.writer().MatchOptOut(limit(s.t), &optoutv1.MatchOptOutRequest{
		RequestId: uuid.NewString(), Id: id, NhsNumber: nhsNumber, Override: override, Event: event("opt_out.match"),
	})
	return resp.GetOptOut(), err
}

// decides decides as a safeguarding lead.
func (s *suite) decides(id string, decision optoutv1.SafeguardingDecision) (*optoutv1.DecideSafeguardingResponse, error) {
	s.t.Helper()
	return s.writer().DecideSafeguarding(limit(s.t), &optoutv1.DecideSafeguardingRequest{
		RequestId: uuid.NewString(), Id: id, Decision: decision, Note: "looked at the case",
		Event: by("opt_out.decide_safeguarding", "R9535", "safeguarding_officer"),
	})
}

// wantState fails unless a request is in that state.
func (s *suite) wantState(o *optoutv1.OptOut, want optoutv1.RequestState, waiting ...optoutv1.Waiting) {
	s.t.Helper()
	if o.GetRequestState() != want || !slices.Equal(o.GetWaitingFor(), waiting) {
		s.t.Errorf("request is %v, waits for %v; want %v, %v", o.GetRequestState(), o.GetWaitingFor(), want, waiting)
	}
}

// events are those of a history.
func events(o *optoutv1.OptOut) []string {
	var all []string
	for _, step := range o.GetSteps() {
		all = append(all, step.GetEvent())
	}
	return all
}

// wantHistory fails unless the steps of a request are these.
func wantHistory(t *testing.T, o *optoutv1.OptOut, want ...string) {
	t.Helper()
	if got := events(o); !slices.Equal(got, want) {
		t.Errorf("history %v, want %v", got, want)
	}
	for i, step := range o.GetSteps() {
		if int(step.GetNumber()) != i+1 || step.GetPolicyVersion() == "" || step.GetActor() == "" {
			t.Errorf("step %d: %v", i+1, step)
		}
	}
}

// code is the one-time code of a request, from the letter in the post.
func (s *suite) code(id string) string {
	s.t.Helper()
	var sent string
	s.await("a letter with a code", func() bool {
		for _, l := range s.get(id).GetLetters() {
			if l.GetKind() == optoutv1.LetterKind_LETTER_KIND_CONFIRMATION_CODE && l.GetState() == optoutv1.LetterState_LETTER_STATE_SENT {
				sent = l.GetId()
			}
		}
		return sent != ""
	})
	file, err := os.ReadFile(filepath.Join(s.cfg.Letters.Post.Folder, sent+".letter.pdf"))
	if err != nil {
		s.t.Fatal(err)
	}
	const symbols = "[2-9A-HJKMNP-Z]{4}"
	text := strings.ReplaceAll(pdftest.Text(s.t, file), s.get(id).GetReference(), "")
	return regexp.MustCompile(symbols + "-" + symbols).FindString(text)
}

// confirms gives a code.
func (s *suite) confirms(reference, code string) (*optoutv1.ConfirmOptOutResponse, error) {
	s.t.Helper()
	return s.public().ConfirmOptOut(limit(s.t), &optoutv1.ConfirmOptOutRequest{
		Reference: reference, Code: code, Event: byPublic("opt_out.public.confirm"),
	})
}

// wantField fails unless err refuses that field.
func wantField(t *testing.T, name string, err error, field string) {
	t.Helper()
	f := fault.FromStatus(err)
	if f == nil || f.Kind != fault.KindInvalid || len(f.Fields) == 0 || f.Fields[0].Name != field {
		t.Errorf("%s: %v, want Invalid for %s", name, err, field)
	}
}
