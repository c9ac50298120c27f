package blackbox_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// safeguarder is the role code of a safeguarding officer.
const safeguarder = "R9535"

// held registers a request that is received and goes no further.
func (s *suite) held(t *testing.T, p person) *optoutv1.OptOut {
	t.Helper()
	done := &gatewayv1.RegisterOptOutResponse{}
	s.ask(t, s.officer, &gatewayv1.RegisterOptOutRequest{
		RequestId: uuid.NewString(), NhsNumber: p.number, FamilyName: p.family, BirthDate: p.birth, Hold: true,
		Channel: optoutv1.Channel_CHANNEL_LEAFLET, Evidence: "DCR 2/18", Requester: optoutv1.Requester_REQUESTER_SELF,
	}).into(t, done)
	return done.GetOptOut()
}

// seen is what a leaflet has to show.
func seen() []*optoutv1.EvidenceItem {
	return []*optoutv1.EvidenceItem{{Kind: "form_reference", Note: "DCR 2/18"}, {Kind: "handed_in_at", Note: "the library"}}
}

// readied is a held request for which nothing is missing.
func (s *suite) readied(t *testing.T, p person) *optoutv1.OptOut {
	t.Helper()
	done := &gatewayv1.RecordEvidenceResponse{}
	s.ask(t, s.officer, &gatewayv1.RecordEvidenceRequest{
		RequestId: uuid.NewString(), Id: s.held(t, p).GetId(), EvidenceItems: seen(),
	}).into(t, done)
	return done.GetOptOut()
}

// document is a scan, as far as anybody looks at one.
func document(text string) *httpbody.HttpBody {
	return &httpbody.HttpBody{ContentType: "application/pdf", Data: []byte("%PDF-1.7\n" + text + "\n%%EOF\n")}
}

// safeguarded is a child of whom a practice sent a safeguarding entry, and a parent's request for them.
func (s *suite) safeguarded(t *testing.T) *optoutv1.OptOut {
	t.Helper()
	p := s.newPerson(t)
	p.birth = time.Now().AddDate(-8, 0, -1).Format(time.DateOnly)
	s.sends(t, practice, puts(p.patient(practice, nil), p.safeguardingFlag("flag-"+p.number)))
	done := &gatewayv1.RegisterOptOutResponse{}
	s.ask(t, s.officer, &gatewayv1.RegisterOptOutRequest{
		RequestId: uuid.NewString(), NhsNumber: p.number, FamilyName: p.family, BirthDate: p.birth,
		Channel: optoutv1.Channel_CHANNEL_LEAFLET, Evidence: "DCR 2/18", Requester: optoutv1.Requester_REQUESTER_PARENT,
		AskedBy: &optoutv1.RequesterDetails{FamilyName: p.family, GivenNames: "Quill", BirthDate: "1985-04-05", Relation: "mother"},
		EvidenceItems: append(seen(), &optoutv1.EvidenceItem{Kind: "birth_certificate", Note: "seen"},
			&optoutv1.EvidenceItem{Kind: "proof_of_requester", Note: "seen"}),
	}).into(t, done)
	if o := done.GetOptOut(); len(o.GetWaitingFor()) != 1 || o.GetWaitingFor()[0] != optoutv1.Waiting_WAITING_SAFEGUARDING {
		t.Fatalf("the request waits for %v", o.GetWaitingFor())
	}
	return done.GetOptOut()
}

// safeguardingFlag is a flag of that category.
func (p person) safeguardingFlag(id string) object {
	return p.about("Flag", id, object{
		"status":   "active",
		"category": list{object{"text": "Safeguarding"}}, "code": concept("342191000000101", "Subject to child protection plan"),
	})
}

// optOutRows are the calls about requests.
func optOutRows() map[string]baseline {
	const self, leaflet = optoutv1.Requester_REQUESTER_SELF, optoutv1.Channel_CHANNEL_LEAFLET
	type of = func(s *suite, t *testing.T, p person) proto.Message
	row := func(role string, make of) baseline {
		return baseline{role: role, make: func(s *suite, t *testing.T, _ member, p person) proto.Message { return make(s, t, p) }}
	}
	id := uuid.NewString
	return map[string]baseline{
		"OptOutService/StartOptOut": row(paramedic, func(_ *suite, _ *testing.T, p person) proto.Message {
			return &gatewayv1.StartOptOutRequest{
				RequestId: id(), Channel: leaflet, Evidence: "leaflet", Requester: self,
				Person: &optoutv1.ClaimedPerson{FamilyName: p.family, BirthDate: p.birth},
			}
		}),
		"OptOutService/MatchOptOut": row(privacy, func(s *suite, t *testing.T, p person) proto.Message {
			return &gatewayv1.MatchOptOutRequest{RequestId: id(), Id: s.held(t, p).GetId(), NhsNumber: p.number, Override: "said so"}
		}),
		"OptOutService/RequestEvidence": row(privacy, func(s *suite, t *testing.T, p person) proto.Message {
			return &gatewayv1.RequestEvidenceRequest{RequestId: id(), Id: s.held(t, p).GetId()}
		}),
		"OptOutService/RecordEvidence": row(privacy, func(s *suite, t *testing.T, p person) proto.Message {
			return &gatewayv1.RecordEvidenceRequest{RequestId: id(), Id: s.held(t, p).GetId(), EvidenceItems: seen()}
		}),
		"OptOutService/MakeEffective": row(privacy, func(s *suite, t *testing.T, _ person) proto.Message {
			return &gatewayv1.MakeEffectiveRequest{RequestId: id(), Id: s.readied(t, s.newPerson(t)).GetId()}
		}),
		"OptOutService/RefuseOptOut": row(privacy, func(s *suite, t *testing.T, p person) proto.Message {
			return &gatewayv1.RefuseOptOutRequest{RequestId: id(), Id: s.held(t, p).GetId(), Reason: "evidence_missing"}
		}),
		"OptOutService/ReverseOptOut": row(privacy, func(s *suite, t *testing.T, _ person) proto.Message {
			return &gatewayv1.ReverseOptOutRequest{RequestId: id(), Id: s.optsOut(t, s.newPerson(t)).GetId(), Note: "another person"}
		}),
		"OptOutService/GetOptOutStatistics": row(privacy, func(*suite, *testing.T, person) proto.Message {
			return &gatewayv1.GetOptOutStatisticsRequest{FromMonth: "2026-01", ToMonth: "2026-12"}
		}),
		"OptOutService/ListSafeguardingOptOuts": row(safeguarder, func(*suite, *testing.T, person) proto.Message {
			return &gatewayv1.ListSafeguardingOptOutsRequest{PageSize: 1}
		}),
		"OptOutService/DecideSafeguarding": row(safeguarder, func(s *suite, t *testing.T, _ person) proto.Message {
			return &gatewayv1.DecideSafeguardingRequest{
				RequestId: id(), Id: s.safeguarded(t).GetId(), Note: "agreed",
				Decision: optoutv1.SafeguardingDecision_SAFEGUARDING_DECISION_AGREED,
			}
		}),
		"OptOutDocumentService/AddOptOutDocument": row(privacy, func(s *suite, t *testing.T, p person) proto.Message {
			return &gatewayv1.AddOptOutDocumentRequest{Id: s.held(t, p).GetId(), Document: document(id())}
		}),
		"OptOutDocumentService/GetOptOutDocument": row(privacy, func(s *suite, t *testing.T, p person) proto.Message {
			of := s.held(t, p).GetId()
			done := &gatewayv1.AddOptOutDocumentResponse{}
			s.ask(t, s.officer, &gatewayv1.AddOptOutDocumentRequest{Id: of, Document: document(of)}).into(t, done)
			return &gatewayv1.GetOptOutDocumentRequest{Id: of, Sha256: done.GetDocument().GetSha256()}
		}),
		"OptOutDocumentService/GetOptOutLetter": row(privacy, func(s *suite, t *testing.T, p person) proto.Message {
			o := s.held(t, p)
			if len(o.GetLetters()) == 0 {
				t.Fatal("nobody was written to")
			}
			return &gatewayv1.GetOptOutLetterRequest{
				Id: o.GetId(), LetterId: o.GetLetters()[0].GetId(), Rendering: optoutv1.LetterRendering_LETTER_RENDERING_TEXT,
			}
		}),
		"OptOutDocumentService/RetryOptOutLetter": row(privacy, (*suite).failedLetter),
	}
}

// failedLetter asks for a letter again that could not go: nobody has contact details of a person without a record.
func (s *suite) failedLetter(t *testing.T, _ person) proto.Message {
	t.Helper()
	o := s.optsOut(t, s.newPerson(t))
	for until := time.Now().Add(callLimit); time.Now().Before(until); {
		got := &gatewayv1.GetOptOutResponse{}
		s.ask(t, s.officer, &gatewayv1.GetOptOutRequest{Id: o.GetId()}).into(t, got)
		for _, l := range got.GetOptOut().GetLetters() {
			if l.GetState() == optoutv1.LetterState_LETTER_STATE_FAILED {
				return &gatewayv1.RetryOptOutLetterRequest{RequestId: uuid.NewString(), Id: o.GetId(), LetterId: l.GetId()}
			}
		}
		select {
		case <-t.Context().Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatal("a letter to nobody did not fail")
	return nil
}

// registerRows are the calls about registers of older systems.
func registerRows() map[string]baseline {
	rows := func(n int, p person) []*optoutv1.RegisterRow {
		return []*optoutv1.RegisterRow{{
			RowId: fmt.Sprintf("%d-%s", n, p.number), Channel: optoutv1.Channel_CHANNEL_POST, Requester: optoutv1.Requester_REQUESTER_SELF,
			ReceivedOn: "2020-02-29", Person: &optoutv1.ClaimedPerson{NhsNumber: p.number, FamilyName: p.family, BirthDate: p.birth},
		}}
	}
	imported := func(s *suite, t *testing.T, register string) {
		t.Helper()
		s.ask(t, s.officer, &gatewayv1.ImportOptOutsRequest{Register: register, Rows: rows(s.next(), s.newPerson(t))}).want(t, http.StatusOK, "")
	}
	return map[string]baseline{
		"OptOutImportService/ImportOptOuts": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.ImportOptOutsRequest{Register: "of-the-matrix", Rows: rows(s.next(), s.newPerson(t))}
		}},
		"OptOutImportService/GetOptOutImport": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			imported(s, t, "of-the-matrix")
			return &gatewayv1.GetOptOutImportRequest{Register: "of-the-matrix"}
		}},
		"OptOutImportService/SignOffOptOutImport": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			imported(s, t, "of-nobody") // whom nobody knows, so that none is ready
			return &gatewayv1.SignOffOptOutImportRequest{RequestId: uuid.NewString(), Register: "of-nobody", Note: "none is ready"}
		}},
		"OptOutImportService/ExportOptOuts": {role: privacy, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ExportOptOutsRequest{PageSize: 1}
		}},
	}
}

// publicRows are the calls of the public form.
func publicRows() map[string]baseline {
	form := func(s *suite, t *testing.T) *gatewayv1.SubmitPublicOptOutRequest {
		p := s.newPerson(t)
		return &gatewayv1.SubmitPublicOptOutRequest{
			RequestId: uuid.NewString(), Choice: optoutv1.Choice_CHOICE_OUT, Requester: optoutv1.Requester_REQUESTER_SELF,
			Person: &optoutv1.ClaimedPerson{FamilyName: p.family, BirthDate: p.birth, Postcode: "DT1 1XJ"},
		}
	}
	return map[string]baseline{
		"PublicOptOutService/SubmitPublicOptOut": {make: func(s *suite, t *testing.T, _ member, _ person) proto.Message { return form(s, t) }},
		"PublicOptOutService/GetPublicOptOutStatus": {make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			in, done := form(s, t), &gatewayv1.SubmitPublicOptOutResponse{}
			s.ask(t, member{}, in).into(t, done)
			return &gatewayv1.GetPublicOptOutStatusRequest{Reference: done.GetReference(), BirthDate: in.GetPerson().GetBirthDate()}
		}},
		"PublicOptOutService/ConfirmPublicOptOut": {make: (*suite).codeOf},
	}
}

// codeOf submits the form for somebody who is known, and finds the code in the letter to them.
func (s *suite) codeOf(t *testing.T, _ member, p person) proto.Message {
	t.Helper()
	done := &gatewayv1.SubmitPublicOptOutResponse{}
	s.ask(t, member{}, &gatewayv1.SubmitPublicOptOutRequest{
		RequestId: uuid.NewString(), Choice: optoutv1.Choice_CHOICE_OUT, Requester: optoutv1.Requester_REQUESTER_SELF,
		Person: &optoutv1.ClaimedPerson{NhsNumber: p.number, FamilyName: p.family, BirthDate: p.birth, Postcode: "BH15 9ZX"},
	}).into(t, done)
	return &gatewayv1.ConfirmPublicOptOutRequest{Reference: done.GetReference(), Code: s.codeFor(t, done.GetReference())}
}

// codeFor is the code of a request, as the letter to the person has it.
func (s *suite) codeFor(t *testing.T, reference string) string {
	t.Helper()
	found := &gatewayv1.ListOptOutsResponse{}
	s.ask(t, s.officer, &gatewayv1.ListOptOutsRequest{Reference: reference}).into(t, found)
	if len(found.GetOptOuts()) != 1 {
		t.Fatalf("%d requests have the reference", len(found.GetOptOuts()))
	}
	sent := s.awaitLetter(t, found.GetOptOuts()[0].GetId(), optoutv1.LetterKind_LETTER_KIND_CONFIRMATION_CODE)
	file, err := os.ReadFile(filepath.Join(s.stack.Dir(), "post", sent.GetId()+".letter.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	const symbols = "[2-9A-HJKMNP-Z]{4}"
	text := strings.ReplaceAll(pdftest.Text(t, file), reference, "")
	code := regexp.MustCompile(symbols + "-" + symbols).FindString(text)
	if code == "" {
		t.Fatal("there is no code in the letter")
	}
	return code
}
