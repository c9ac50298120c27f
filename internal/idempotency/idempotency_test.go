package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

type outcome = idempotency.Outcome[*structpb.Struct]

func database(t *testing.T) testkit.Handles {
	t.Helper()
	return testkit.Database(t, "optout", fstest.MapFS{"00001_request.sql": {Data: []byte(
		"-- +goose Up\nSET lock_timeout = '5s';\n" + idempotency.SchemaSQL + fmt.Sprintf(idempotency.GrantSQL, "dcr_optout_app") +
			"\nCREATE TABLE change (n int);\nGRANT SELECT, INSERT ON change TO dcr_optout_app;\n-- +goose Down\nDROP TABLE request;\nDROP TABLE change;\n")}})
}

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func newKey() idempotency.Key {
	return idempotency.Key{Caller: "gateway staff-1", Method: "/dcr.optout.v1.Write/Register", RequestID: uuid.New()}
}

// register is a mutation as a service writes it: it inserts a row and answers with something that
// differs each time, so that a repeated answer must be the remembered one.
func register(ctx context.Context, db *sqlx.DB, key idempotency.Key, asked string, fails error) (outcome, error) {
	var got outcome
	err := postgres.InTx(ctx, db, func(tx *sqlx.Tx) (err error) {
		got, err = idempotency.Once(ctx, tx, key, wrapperspb.String(asked), func() (outcome, error) {
			if _, err := tx.ExecContext(ctx, "INSERT INTO change VALUES (1)"); err != nil {
				return outcome{}, err
			}
			answer, err := structpb.NewStruct(map[string]any{"number": uuid.NewString(), "b": "2", "a": "1", "c": []any{true, nil}})
			return outcome{Answer: answer, Deliver: []uuid.UUID{uuid.New(), uuid.New()}}, errors.Join(err, fails)
		})
		return err
	})
	return got, err
}

func changes(t *testing.T, db *sqlx.DB) int {
	t.Helper()
	var n int
	if err := db.Get(&n, "SELECT count(*) FROM change"); err != nil {
		t.Fatal(err)
	}
	return n
}

func deterministic(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSameRequestSameAnswer(t *testing.T) {
	t.Parallel()
	ctx, h, key := limit(t), database(t), newKey()
	first, err := register(ctx, h.App, key, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := register(ctx, h.App, key, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.Replayed || !second.Replayed {
		t.Errorf("replayed: %v, %v; want false, true", first.Replayed, second.Replayed)
	}
	if diff := cmp.Diff(deterministic(t, first.Answer), deterministic(t, second.Answer)); diff != "" {
		t.Errorf("answers differ:\n%s", diff)
	}
	if diff := cmp.Diff(first.Deliver, second.Deliver); diff != "" {
		t.Errorf("the repeated request waits for other messages:\n%s", diff)
	}
	if n := changes(t, h.App); n != 1 {
		t.Errorf("changed %d times", n)
	}
}

// TestAtOnce sends the same request many times at the same moment.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	ctx, h, key := limit(t), database(t), newKey()
	var calls sync.WaitGroup
	var fresh atomic.Int64
	answers := make([]outcome, 8)
	for i := range answers {
		calls.Go(func() {
			got, err := register(ctx, h.App, key, "x", nil)
			if err != nil {
				t.Error(err)
			}
			if !got.Replayed {
				fresh.Add(1)
			}
			answers[i] = got
		})
	}
	calls.Wait()
	if n := changes(t, h.App); n != 1 || fresh.Load() != 1 {
		t.Errorf("changed %d times, %d calls say so; want 1", n, fresh.Load())
	}
	for _, a := range answers {
		if !proto.Equal(a.Answer, answers[0].Answer) {
			t.Errorf("answers differ: %v, %v", a.Answer, answers[0].Answer)
		}
	}
}

func TestOtherRequestSameID(t *testing.T) {
	t.Parallel()
	ctx, h, key := limit(t), database(t), newKey()
	if _, err := register(ctx, h.App, key, "x", nil); err != nil {
		t.Fatal(err)
	}
	_, err := register(ctx, h.App, key, "y", nil)
	if fault.Status(err).Code() != codes.Aborted || fault.ReasonOf(err) != idempotency.ReasonReused {
		t.Errorf("got %v, want Aborted %s", err, idempotency.ReasonReused)
	}
	otherCaller, otherMethod := key, key
	otherCaller.Caller = "gateway staff-2"
	otherMethod.Method = "/dcr.optout.v1.Write/Withdraw"
	for _, k := range []idempotency.Key{otherCaller, otherMethod} {
		if got, err := register(ctx, h.App, k, "y", nil); err != nil || got.Replayed {
			t.Errorf("%+v: %v, replayed %v; want a request of its own", k, err, got.Replayed)
		}
	}
}

// TestRefusalIsNotRemembered: a request that failed may succeed when it is sent again.
func TestRefusalIsNotRemembered(t *testing.T) {
	t.Parallel()
	ctx, h, key := limit(t), database(t), newKey()
	refusal := fault.Precondition("NOT_YET", "Not yet.")
	if _, err := register(ctx, h.App, key, "x", refusal); !errors.Is(err, refusal) {
		t.Fatalf("got %v", err)
	}
	if got, err := register(ctx, h.App, key, "x", nil); err != nil || got.Replayed {
		t.Errorf("second attempt: %v, replayed %v", err, got.Replayed)
	}
	if n := changes(t, h.App); n != 1 {
		t.Errorf("changed %d times", n)
	}
}

func TestEmptyAnswer(t *testing.T) {
	t.Parallel()
	ctx, h, key := limit(t), database(t), newKey()
	for _, replayed := range []bool{false, true} {
		err := postgres.InTx(ctx, h.App, func(tx *sqlx.Tx) error {
			got, err := idempotency.Once(ctx, tx, key, &emptypb.Empty{}, func() (idempotency.Outcome[*emptypb.Empty], error) {
				return idempotency.Outcome[*emptypb.Empty]{Answer: &emptypb.Empty{}}, nil
			})
			if got.Replayed != replayed {
				t.Errorf("replayed %v, want %v", got.Replayed, replayed)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestIncompleteKeyIsRefused(t *testing.T) {
	t.Parallel()
	ctx, h := limit(t), database(t)
	for _, key := range []idempotency.Key{{Method: "m", RequestID: uuid.New()}, {Caller: "c", RequestID: uuid.New()}, {Caller: "c", Method: "m"}} {
		if _, err := register(ctx, h.App, key, "x", nil); err == nil {
			t.Errorf("%+v was accepted", key)
		}
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	ctx, h, old, young := limit(t), database(t), newKey(), newKey()
	for _, key := range []idempotency.Key{old, young} {
		if _, err := register(ctx, h.App, key, "x", nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Owner.Exec("INSERT INTO request (request_id, caller, method, request_hash, answer, created_at) SELECT gen_random_uuid(), 'c', 'm', '', '', now() - interval '31 days' FROM generate_series(1, 2500)"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Owner.Exec("UPDATE request SET created_at = now() - interval '31 days' WHERE request_id = $1", old.RequestID); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if _, err := idempotency.Sweep(ctx, h.App, now, now.Add(-29*24*time.Hour)); err == nil {
		t.Error("forgot requests of less than 30 days")
	}
	if n, err := idempotency.Sweep(ctx, h.App, now, now.Add(-idempotency.Keep)); err != nil || n != 2501 {
		t.Errorf("forgot %d, %v; want 2501", n, err)
	}
	if got, err := register(ctx, h.App, young, "x", nil); err != nil || !got.Replayed {
		t.Errorf("a young request was forgotten: %v", err)
	}
}

func TestParseRequestID(t *testing.T) {
	t.Parallel()
	good := "0b6e3f9c-6a52-4a7e-9f0e-3f1f6f0f2d11"
	if id, err := idempotency.ParseRequestID(good); err != nil || id.String() != good {
		t.Errorf("%s: %v, %v", good, id, err)
	}
	for text, reason := range map[string]string{
		"":                                 idempotency.ReasonMissing,
		"x":                                idempotency.ReasonInvalid,
		"{" + good + "}":                   idempotency.ReasonInvalid,
		"urn:uuid:" + good:                 idempotency.ReasonInvalid,
		uuid.Nil.String():                  idempotency.ReasonInvalid,
		good + " ":                         idempotency.ReasonInvalid,
		"0b6e3f9c6a524a7e9f0e3f1f6f0f2d11": idempotency.ReasonInvalid,
	} {
		_, err := idempotency.ParseRequestID(text)
		if fault.ReasonOf(err) != reason || fault.Status(err).Code() != codes.InvalidArgument {
			t.Errorf("%q: %v, want %s", text, err, reason)
		}
	}
}
