package app

import (
	"context"
	"sync"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/lib/pq"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// stored is what the log keeps of an event.
type stored struct {
	Nonce []byte `db:"nonce"`
	Body  []byte `db:"body"`
	Leaf  []byte `db:"leaf_hash"`
}

func read(t *testing.T, h testkit.Handles, id string) stored {
	t.Helper()
	var s stored
	if err := h.Owner.GetContext(limit(t), &s, "SELECT nonce, body, leaf_hash FROM event WHERE id = $1", id); err != nil {
		t.Fatalf("stored event: %v", err)
	}
	return s
}

// TestAppendStoresWhatItHashes follows an event from the caller to the disk and back.
func TestAppendStoresWhatItHashes(t *testing.T) {
	t.Parallel()
	h := database(t)
	e := newEvent()
	leaves := mustSend(t, serveTest(t, h.AppURL, 1).appender(t, gateway), e)
	s := read(t, h, e.GetId())
	if err := verify.CheckLeaf(s.Nonce, s.Body, s.Leaf); err != nil {
		t.Error(err)
	}
	if string(leaves[0].GetHash()) != string(s.Leaf) || leaves[0].GetEventId() != e.GetId() {
		t.Errorf("answered leaf %v, stored %x", leaves[0], s.Leaf)
	}
	back, err := event.Decode(s.Body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, back, protocmp.Transform()); diff != "" {
		t.Errorf("stored event (-sent +stored):\n%s", diff)
	}
}

// TestColumnsSayWhatTheEventSays: everything that is searched by is what the hashed bytes say.
func TestColumnsSayWhatTheEventSays(t *testing.T) {
	t.Parallel()
	h := database(t)
	e := newEvent()
	e.Basis, e.Marks = &auditv1.Basis{RelationshipKind: "emergency"}, []string{"declared", "emergency"}
	e.Outcome, e.Reason, e.Disclosure = auditv1.Outcome_OUTCOME_FAILED, "INTERNAL", nil
	mustSend(t, serveTest(t, h.AppURL, 1).appender(t, gateway), e)
	at := e.GetOccurredAt().AsTime().Truncate(time.Microsecond)
	if n := count(t, h, `id = $1 AND occurred_at = $2 AND action = $3 AND outcome = $4 AND reason = $5 AND nhs_number = $6
		AND staff_id = $7 AND ods_code = $8 AND relationship_kind = $9 AND marks = $10`,
		e.GetId(), at, e.GetAction(), int32(e.GetOutcome()), e.GetReason(), e.GetNhsNumber(), e.GetActor().GetStaffId(),
		e.GetActor().GetOdsCode(), "emergency", pq.StringArray(e.GetMarks())); n != 1 {
		t.Errorf("%d rows whose columns are the event's", n)
	}
}

// TestBadNeighbours: appends of many callers share commits; one that the database refuses, and one whose id is
// stored with other content, fail by themselves, and every other is stored.
func TestBadNeighbours(t *testing.T) {
	t.Parallel()
	h := database(t)
	if _, err := h.Owner.ExecContext(limit(t), "ALTER TABLE event ADD CONSTRAINT event_for_test CHECK (staff_id <> 'refused')"); err != nil {
		t.Fatal(err)
	}
	c := serveTest(t, h.AppURL, 1).appender(t, gateway)
	rival := newEvent()
	mustSend(t, c, rival)
	const rounds = 40
	var all sync.WaitGroup
	for range rounds {
		all.Go(func() { checkReason(t, c, newEvent(), "") })
		all.Go(func() {
			e := newEvent()
			e.Actor.StaffId = "refused"
			checkReason(t, c, e, "INTERNAL")
		})
		all.Go(func() {
			e := proto.CloneOf(rival)
			e.Action = "patient.view"
			checkReason(t, c, e, "EVENT_CONFLICT")
		})
	}
	all.Wait()
	if n := count(t, h, "true"); n != rounds+1 {
		t.Errorf("%d events stored, want %d", n, rounds+1)
	}
}

func checkReason(t *testing.T, c auditv1.AppendServiceClient, e *auditv1.Event, reason string) {
	t.Helper()
	_, err := c.Append(limit(t), &auditv1.AppendRequest{Events: []*auditv1.Event{e}})
	if got := fault.ReasonOf(err); (err == nil) != (reason == "") || (err != nil && got != reason) {
		t.Errorf("%v, want %q", err, reason)
	}
}

// TestAppendIsIdempotent: the same event again is the same leaf, other content under its id is refused.
func TestAppendIsIdempotent(t *testing.T) {
	t.Parallel()
	h := database(t)
	c := serveTest(t, h.AppURL, 1).appender(t, gateway)
	e := newEvent()
	first := mustSend(t, c, e)
	again := mustSend(t, c, newEvent(), e)
	if diff := cmp.Diff(first[0], again[1], protocmp.Transform()); diff != "" {
		t.Errorf("leaf of the repeated event (-first +again):\n%s", diff)
	}
	other := proto.CloneOf(e)
	other.NhsNumber = ""
	_, err := send(t, c, other)
	wantReason(t, err, "EVENT_CONFLICT")
	if status.Code(err) != codes.Aborted {
		t.Errorf("code %v, want Aborted", status.Code(err))
	}
	if n := count(t, h, "id = $1 AND nhs_number = $2", e.GetId(), e.GetNhsNumber()); n != 1 {
		t.Errorf("%d rows of the first content, want 1", n)
	}
}

// TestAppendIsAllOrNothing: one event at fault, and no event of its request is stored.
func TestAppendIsAllOrNothing(t *testing.T) {
	t.Parallel()
	h := database(t)
	c := serveTest(t, h.AppURL, 1).appender(t, gateway)
	known := newEvent()
	mustSend(t, c, known)
	conflicting := proto.CloneOf(known)
	conflicting.Marks = []string{"emergency"}
	invalid := newEvent()
	invalid.Outcome = auditv1.Outcome_OUTCOME_UNSPECIFIED
	for reason, wrong := range map[string]*auditv1.Event{"EVENT_CONFLICT": conflicting, "INVALID_EVENT": invalid} {
		_, err := send(t, c, newEvent(), wrong, newEvent())
		wantReason(t, err, reason)
	}
	twice := newEvent()
	_, err := send(t, c, twice, twice)
	wantReason(t, err, "INVALID_EVENT")
	if n := count(t, h, "true"); n != 1 {
		t.Errorf("%d events stored, want the first alone", n)
	}
}

// TestLateEvents: what an outbox delivers may be late, what the gateway appends may not.
func TestLateEvents(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	late := func() *auditv1.Event {
		at := time.Now().Add(-event.MaxSkew - time.Minute)
		e := newEvent()
		e.Id = verify.FirstID(at)[:14] + "7" + uuid.NewString()[15:]
		e.OccurredAt = timestamppb.New(at)
		return e
	}
	_, err := send(t, s.appender(t, gateway), late())
	wantReason(t, err, "INVALID_EVENT")
	for _, caller := range []string{identitySvc, recordSvc, optoutSvc} {
		mustSend(t, s.appender(t, caller), late())
	}
}

// TestManyWritersAtTwoReplicas: every event of many writers is stored once, also those sent to both
// replicas at the same moment, and its leaf is the same everywhere.
func TestManyWritersAtTwoReplicas(t *testing.T) {
	t.Parallel()
	h := database(t)
	c := serveTest(t, h.AppURL, 2).appender(t, gateway)
	const writers, each = 32, 10
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				twice(t, c, newEvent())
			}
		})
	}
	all.Wait()
	// A case that the rules open about so many looks at one person is an event too.
	if n := count(t, h, "action = 'record.view'"); n != writers*each {
		t.Errorf("%d events stored, want %d", n, writers*each)
	}
}

// twice sends an event two times at once; calls take turns between the replicas.
func twice(t *testing.T, c auditv1.AppendServiceClient, e *auditv1.Event) {
	t.Helper()
	answers := make(chan *auditv1.AppendResponse, 2)
	for range 2 {
		go func() {
			resp, err := c.Append(limit(t), &auditv1.AppendRequest{Events: []*auditv1.Event{e}})
			if err != nil {
				t.Errorf("append: %v", err)
			}
			answers <- resp
		}()
	}
	if diff := cmp.Diff(<-answers, <-answers, protocmp.Transform()); diff != "" {
		t.Errorf("two leaves of one event:\n%s", diff)
	}
}

// TestCallers: only those who are listed append, and only the gateway reads.
func TestCallers(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	for caller, may := range map[string]struct{ append, list bool }{
		gateway: {true, true}, identitySvc: {true, false}, recordSvc: {true, false}, optoutSvc: {true, false}, "dcrctl": {false, false},
	} {
		conn := s.dial(t, caller)
		_, err := auditv1.NewAppendServiceClient(conn).Append(limit(t), &auditv1.AppendRequest{Events: []*auditv1.Event{newEvent()}})
		checkMay(t, caller+" appends", may.append, err)
		_, err = auditv1.NewQueryServiceClient(conn).ListEvents(limit(t), &auditv1.ListEventsRequest{})
		checkMay(t, caller+" lists", may.list, err)
	}
}

func checkMay(t *testing.T, what string, may bool, err error) {
	t.Helper()
	want := codes.PermissionDenied
	if may {
		want = codes.OK
	}
	if got := status.Code(err); got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestNobodyEditsTheLog: the application role adds and reads, and nothing else, also not past the parent.
func TestNobodyEditsTheLog(t *testing.T) {
	t.Parallel()
	h := database(t)
	e := newEvent()
	mustSend(t, serveTest(t, h.AppURL, 1).appender(t, gateway), e)
	partition := time.Now().UTC().Format("event_2006_01")
	for _, text := range []string{
		"UPDATE event SET reason = 'X'",
		"DELETE FROM event",
		"TRUNCATE event",
		"DROP TABLE event",
		"ALTER TABLE event DISABLE TRIGGER ALL",
		"SELECT body FROM " + partition,
		"DELETE FROM " + partition,
		"INSERT INTO " + partition + " SELECT * FROM event",
		"CREATE TABLE mine (id int)",
	} {
		if _, err := h.App.ExecContext(context.Background(), text); err == nil {
			t.Errorf("the application role may: %s", text)
		}
	}
	if n := count(t, h, "true"); n != 1 {
		t.Errorf("%d events left, want 1", n)
	}
}
