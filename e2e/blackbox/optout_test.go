package blackbox_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// optsOut registers a person's opt-out and wants it confirmed.
func (s *suite) optsOut(t *testing.T, p person) *optoutv1.OptOut {
	t.Helper()
	done := &gatewayv1.RegisterOptOutResponse{}
	s.ask(t, s.officer, &gatewayv1.RegisterOptOutRequest{
		RequestId: uuid.NewString(), NhsNumber: p.number, FamilyName: p.family, BirthDate: p.birth,
		Channel: optoutv1.Channel_CHANNEL_LEAFLET, Evidence: "DCR 2/18, handed in", Requester: optoutv1.Requester_REQUESTER_SELF,
	}).into(t, done)
	o := done.GetOptOut()
	if o.GetState() != optoutv1.EffectState_EFFECT_STATE_CONFIRMED || o.GetConfirmedAt() == nil || o.GetChoice() != optoutv1.Choice_CHOICE_OUT {
		t.Fatalf("the answer is not a confirmed opt-out: %v", o.GetState())
	}
	return o
}

// reads are the calls that show something of a record.
func reads(number, entry string) []proto.Message {
	return []proto.Message{
		&gatewayv1.GetRecordRequest{NhsNumber: number},
		&gatewayv1.ListEntriesRequest{NhsNumber: number},
		&gatewayv1.GetEntryRequest{NhsNumber: number, Id: entry},
	}
}

// optOut: from the confirmation on nothing is shown on any replica through any path, and back in restores.
func (s *suite) optOut(t *testing.T) {
	p := s.attended(t)
	who := s.hire(t, "R1070", ambulance, "")
	before := s.record(t, who, p.number)
	entry := anEntry(t, before)
	for round := range 3 {
		out := s.optsOut(t, p)
		for gateway := range s.rest {
			for _, in := range reads(p.number, entry) {
				s.askAt(t, gateway, who, in).want(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
				s.overGRPC(gateway).call(t, who.token, in).want(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
			}
		}
		s.ask(t, s.officer, &gatewayv1.RegisterOptOutRequest{
			RequestId: uuid.NewString(), NhsNumber: p.number, FamilyName: p.family, BirthDate: p.birth,
			Channel: optoutv1.Channel_CHANNEL_POST, Evidence: "letter", Requester: optoutv1.Requester_REQUESTER_SELF,
		}).want(t, http.StatusConflict, "ALREADY_OPTED_OUT")
		s.ask(t, s.officer, &gatewayv1.WithdrawOptOutRequest{
			RequestId: uuid.NewString(), Id: out.GetId(), Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "call 7",
			Requester: optoutv1.Requester_REQUESTER_SELF,
		}).want(t, http.StatusOK, "")
		for gateway := range s.rest {
			view := &gatewayv1.RecordView{}
			s.askAt(t, gateway, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number}).bodyInto(t, view)
			if diff := cmp.Diff(before.GetRecord().GetSections(), view.GetRecord().GetSections(), protocmp.Transform()); diff != "" {
				t.Errorf("round %d: back in is not what it was: %s", round, diff)
			}
		}
	}
	t.Run("a feed while out", func(t *testing.T) { s.feedWhileOut(t, p, who) })
	t.Run("letters", s.letters)
	t.Run("an older system's register", s.oldRegister)
	t.Run("wrong identity", func(t *testing.T) {
		s.ask(t, s.officer, &gatewayv1.RegisterOptOutRequest{
			RequestId: uuid.NewString(), NhsNumber: p.number, FamilyName: "Somebodyelse", BirthDate: p.birth,
			Channel: optoutv1.Channel_CHANNEL_POST, Evidence: "letter", Requester: optoutv1.Requester_REQUESTER_SELF,
		}).want(t, http.StatusBadRequest, "IDENTITY_MISMATCH")
		s.record(t, who, p.number)
	})
}

// feedWhileOut: data stay current while sealed, and opting back in shows the whole picture (DOMAIN section 7).
func (s *suite) feedWhileOut(t *testing.T, p person, who member) {
	out := s.optsOut(t, p)
	s.sends(t, hospital, puts(p.patient(practice, nil), p.condition("new-"+p.number, "195967001", "Asthma", "2024-05-01")))
	s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number}).want(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
	s.ask(t, s.officer, &gatewayv1.WithdrawOptOutRequest{
		RequestId: uuid.NewString(), Id: out.GetId(), Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "call 8",
		Requester: optoutv1.Requester_REQUESTER_SELF,
	}).want(t, http.StatusOK, "")
	for _, section := range s.record(t, who, p.number).GetRecord().GetSections() {
		for _, e := range section.GetEntries() {
			if e.GetDisplay() == "Asthma" {
				return
			}
		}
	}
	t.Error("what was sent while the person was out is not there")
}

// anEntry is the id of some entry that a record shows in full.
func anEntry(t *testing.T, view *gatewayv1.RecordView) string {
	t.Helper()
	for _, section := range view.GetRecord().GetSections() {
		if section.GetLevel() == "full" && len(section.GetEntries()) > 0 {
			return section.GetEntries()[0].GetId()
		}
	}
	t.Fatal("the record has no entry in full")
	return ""
}
