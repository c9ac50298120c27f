package blackbox_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// undecidedRows are the baselines of merges, and of people whose record waits for a decision.
func undecidedRows() map[string]baseline {
	return map[string]baseline{
		"MergeService/MergeNumbers": {role: administr, make: func(s *suite, t *testing.T, _ member, p person) proto.Message {
			return merges(p.number, s.newNumber(t))
		}},
		"MergeService/UnmergeNumbers": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return unmerges(s.merged(t, s.newNumber(t), s.newNumber(t)).GetId())
		}},
		"MergeService/GetMerge": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.GetMergeRequest{Id: s.merged(t, s.newNumber(t), s.newNumber(t)).GetId()}
		}},
		"MergeService/ListMerges": {role: administr, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListMergesRequest{PageSize: 1}
		}},
		"UndecidedService/ListHeldPeople": {role: privacy, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListHeldPeopleRequest{PageSize: 1}
		}},
		"UndecidedService/ListUnmergedPeople": {role: privacy, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListUnmergedPeopleRequest{PageSize: 1}
		}},
		"UndecidedService/DismissHeldPerson": {role: privacy, about: (*suite).heldPerson, make: func(s *suite, t *testing.T, _ member, p person) proto.Message {
			return dismisses(p.number, s.holder(t, p.number))
		}},
		"UndecidedService/DecideUnmergedPerson": {role: privacy, about: (*suite).unmergedPerson, make: func(_ *suite, _ *testing.T, _ member, p person) proto.Message {
			return decidesUnmerged(p.number, true)
		}},
	}
}

func merges(inForce, superseded string) *gatewayv1.MergeNumbersRequest {
	return &gatewayv1.MergeNumbersRequest{RequestId: uuid.NewString(), NhsNumber: inForce, SupersededNhsNumber: superseded, Reason: "case 4711"}
}

func unmerges(id string) *gatewayv1.UnmergeNumbersRequest {
	return &gatewayv1.UnmergeNumbersRequest{RequestId: uuid.NewString(), Id: id, Reason: "two people"}
}

func dismisses(number, optOut string) *gatewayv1.DismissHeldPersonRequest {
	return &gatewayv1.DismissHeldPersonRequest{RequestId: uuid.NewString(), NhsNumber: number, OptOutId: optOut, Note: "another given name"}
}

func decidesUnmerged(number string, sealed bool) *gatewayv1.DecideUnmergedPersonRequest {
	return &gatewayv1.DecideUnmergedPersonRequest{RequestId: uuid.NewString(), NhsNumber: number, Sealed: sealed, Note: "asked by telephone"}
}

// merged is a merge that has come as far as it can by itself.
func (s *suite) merged(t *testing.T, inForce, superseded string) *identityv1.Merge {
	t.Helper()
	done := &gatewayv1.MergeNumbersResponse{}
	s.ask(t, s.admin, merges(inForce, superseded)).into(t, done)
	return s.awaitMerge(t, done.GetMerge().GetId(), identityv1.MergeState_MERGE_STATE_LINKED, identityv1.MergeState_MERGE_STATE_PUBLISHED)
}

// awaitMerge waits until a merge has come to one of these states.
func (s *suite) awaitMerge(t *testing.T, id string, states ...identityv1.MergeState) *identityv1.Merge {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(waitPause) {
		got := &gatewayv1.GetMergeResponse{}
		s.ask(t, s.admin, &gatewayv1.GetMergeRequest{Id: id}).into(t, got)
		for _, state := range states {
			if got.GetMerge().GetState() == state {
				return got.GetMerge()
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the merge is %v, want one of %v", got.GetMerge().GetState(), states)
		}
	}
}

const (
	waitLimit = 30 * time.Second
	waitPause = 50 * time.Millisecond
)

// opensWithin tells how long it took until a record was shown, and fails when it took too long.
func (s *suite) opensWithin(t *testing.T, who member, number string, limit time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		r := s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: number})
		if r.status == http.StatusOK {
			return time.Since(began)
		}
		r.want(t, http.StatusServiceUnavailable, "NEW_PERSON_UNCHECKED")
		if time.Since(began) > limit {
			t.Fatalf("the record is still closed after %v", limit)
		}
		time.Sleep(waitPause)
	}
}

// heldPerson is somebody who is new and held, since a member of staff had started an opt-out that could mean them.
func (s *suite) heldPerson(t *testing.T) person {
	t.Helper()
	p := s.newPerson(t)
	s.ask(t, s.hire(t, paramedic, ambulance, ""), &gatewayv1.StartOptOutRequest{
		RequestId: uuid.NewString(), Person: &optoutv1.ClaimedPerson{FamilyName: p.family, BirthDate: p.birth},
		Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "asked during the call", Requester: optoutv1.Requester_REQUESTER_SELF,
	}).want(t, http.StatusOK, "")
	s.sends(t, ambulance, puts(p.patient(practice, nil), p.attendance("attendance-"+p.number)))
	return p
}

// holder is the request that holds a person, as the privacy officer's queue has it.
func (s *suite) holder(t *testing.T, number string) string {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); time.Sleep(waitPause) {
		for token := ""; ; {
			page := &gatewayv1.ListHeldPeopleResponse{}
			s.ask(t, s.officer, &gatewayv1.ListHeldPeopleRequest{PageSize: 200, PageToken: token}).into(t, page)
			for _, held := range page.GetHeldPeople() {
				if held.GetNhsNumber() == number {
					return held.GetOptOutId()
				}
			}
			if token = page.GetNextPageToken(); token == "" {
				break
			}
		}
	}
	t.Fatal("the person is not in the queue")
	return ""
}

// unmergedPerson is one side of a merge that was undone.
func (s *suite) unmergedPerson(t *testing.T) person {
	t.Helper()
	p := s.attended(t)
	one := s.merged(t, p.number, s.newNumber(t))
	s.ask(t, s.admin, unmerges(one.GetId())).want(t, http.StatusOK, "")
	s.awaitMerge(t, one.GetId(), identityv1.MergeState_MERGE_STATE_UNMERGED)
	return p
}

// newPeople: whoever is new is open when the sender has its answer, or within about a second; whoever a waiting
// request could mean is closed on every replica and through every path until a privacy officer decides, with a
// reason that is not "no record".
func (s *suite) newPeople(t *testing.T) {
	who := s.hire(t, paramedic, ambulance, "")
	if took := s.opensWithin(t, who, s.attended(t).number, 2*time.Second); took > time.Second {
		t.Errorf("a new record opened after %v", took)
	}
	closed := func(t *testing.T, p person) {
		t.Helper()
		for gateway := range s.rest {
			for _, in := range reads(p.number, uuid.NewString()) {
				s.askAt(t, gateway, who, in).want(t, http.StatusServiceUnavailable, "NEW_PERSON_UNCHECKED")
				s.overGRPC(gateway).call(t, who.token, in).want(t, http.StatusServiceUnavailable, "NEW_PERSON_UNCHECKED")
			}
		}
		// Treatment is not hindered: who the person is can be found.
		s.ask(t, who, &gatewayv1.GetPatientRequest{NhsNumber: p.number}).want(t, http.StatusOK, "")
	}
	t.Run("dismissed", func(t *testing.T) {
		p := s.heldPerson(t)
		closed(t, p)
		s.ask(t, s.officer, dismisses(p.number, s.holder(t, p.number))).want(t, http.StatusOK, "")
		s.opensWithin(t, who, p.number, waitLimit)
	})
	t.Run("matched", func(t *testing.T) {
		p := s.heldPerson(t)
		id := s.holder(t, p.number)
		s.ask(t, s.officer, &gatewayv1.MatchOptOutRequest{RequestId: uuid.NewString(), Id: id, NhsNumber: p.number, Override: "asked by telephone"}).want(t, http.StatusOK, "")
		closed(t, p)
		s.ask(t, s.officer, &gatewayv1.RefuseOptOutRequest{RequestId: uuid.NewString(), Id: id, Reason: "details_differ", Note: "another person was meant"}).want(t, http.StatusOK, "")
		s.opensWithin(t, who, p.number, waitLimit)
	})
}

// mergedNumbers: of two people with a record each, from the merge to the decision after it was undone. A choice under
// either number binds both; records are not joined.
func (s *suite) mergedNumbers(t *testing.T) {
	who, p, q := s.hire(t, paramedic, ambulance, ""), s.attended(t), s.attended(t)
	both := func(t *testing.T, status int, reason string) {
		t.Helper()
		for gateway := range s.rest {
			for _, number := range []string{p.number, q.number} {
				s.askAt(t, gateway, who, &gatewayv1.GetRecordRequest{NhsNumber: number}).want(t, status, reason)
			}
		}
	}
	one := s.merged(t, p.number, q.number)
	if one.GetState() != identityv1.MergeState_MERGE_STATE_LINKED {
		t.Errorf("a number with a record was superseded: %v", one.GetState())
	}
	both(t, http.StatusOK, "")
	out := s.optsOut(t, q)
	both(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
	s.ask(t, s.officer, &gatewayv1.WithdrawOptOutRequest{
		RequestId: uuid.NewString(), Id: out.GetId(), Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "call 7",
		Requester: optoutv1.Requester_REQUESTER_SELF,
	}).want(t, http.StatusOK, "")
	for _, number := range []string{p.number, q.number} { // record-svc is told of the one after the other
		s.awaitOpen(t, who, number)
	}
	s.ask(t, s.admin, unmerges(one.GetId())).want(t, http.StatusOK, "")
	s.awaitMerge(t, one.GetId(), identityv1.MergeState_MERGE_STATE_UNMERGED)
	both(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
	s.ask(t, s.officer, decidesUnmerged(p.number, false)).want(t, http.StatusOK, "")
	s.awaitOpen(t, who, p.number)
	s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: q.number}).want(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
	s.ask(t, s.officer, decidesUnmerged(p.number, false)).want(t, http.StatusBadRequest, "NOTHING_TO_DECIDE")
}

// awaitOpen waits until a record is shown on both replicas of everything: record-svc hears of a choice a moment
// after optout-svc has made it.
func (s *suite) awaitOpen(t *testing.T, who member, number string) {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(waitPause) {
		r := s.ask(t, who, &gatewayv1.GetRecordRequest{NhsNumber: number})
		if r.status == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still closed: %d %s", r.status, r.reason)
		}
	}
}
