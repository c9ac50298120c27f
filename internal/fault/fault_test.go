package fault_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// secret stands for a person's data inside a cause.
const secret = "999 000 2673 Mary Anning"

func TestStatusByKind(t *testing.T) {
	boom := errors.New(secret)
	cases := []struct {
		name   string
		err    error
		code   codes.Code
		reason string
	}{
		{"invalid", fault.Invalid("BAD_DATE", "from", "must be a date"), codes.InvalidArgument, "BAD_DATE"},
		{"unauthenticated", fault.Unauthenticated("TOKEN_EXPIRED", "sign in again"), codes.Unauthenticated, "TOKEN_EXPIRED"},
		{"denied", fault.Denied("NO_RELATIONSHIP", "no relationship"), codes.PermissionDenied, "NO_RELATIONSHIP"},
		{"not found", fault.NotFound("NO_PATIENT", "not found"), codes.NotFound, "NO_PATIENT"},
		{"duplicate", fault.Duplicate("EXISTS", "exists"), codes.AlreadyExists, "EXISTS"},
		{"conflict", fault.Conflict("REQUEST_ID_REUSED", "used"), codes.Aborted, "REQUEST_ID_REUSED"},
		{"precondition", fault.Precondition("ENDED", "ended"), codes.FailedPrecondition, "ENDED"},
		{"exhausted", fault.Exhausted("TOO_MANY", "too many"), codes.ResourceExhausted, "TOO_MANY"},
		{"unavailable", fault.Unavailable("AUDIT_UNAVAILABLE", "later"), codes.Unavailable, "AUDIT_UNAVAILABLE"},
		{"internal", fault.Internal(boom), codes.Internal, "INTERNAL"},
		{"zero value", &fault.Error{Text: secret}, codes.Internal, "INTERNAL"},
		{"wrapped", fmt.Errorf("read %s: %w", secret, fault.Denied("NO", "no")), codes.PermissionDenied, "NO"},
		{"unknown", boom, codes.Internal, "INTERNAL"},
		{"deadline", fmt.Errorf("load: %w", context.DeadlineExceeded), codes.DeadlineExceeded, "DEADLINE_EXCEEDED"},
		{"canceled", context.Canceled, codes.Canceled, "CANCELLED"},
		{"raw denial of another service", status.Error(codes.PermissionDenied, secret), codes.Internal, "INTERNAL"},
		{"raw outage of another service", status.Error(codes.Unavailable, secret), codes.Unavailable, "UNAVAILABLE"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			st := fault.Status(c.err)
			if st.Code() != c.code || fault.ReasonOf(st.Err()) != c.reason {
				t.Errorf("got %v %q, want %v %q", st.Code(), fault.ReasonOf(st.Err()), c.code, c.reason)
			}
			if all := st.Proto().String(); strings.Contains(all, "999 000") || strings.Contains(all, "Anning") {
				t.Errorf("the status quotes the cause: %s", all)
			}
		})
	}
	if fault.Status(nil).Err() != nil || fault.ReasonOf(nil) != "" || fault.FromStatus(nil) != nil {
		t.Error("nil is not OK")
	}
}

func TestCauseStaysInside(t *testing.T) {
	err := fault.Denied("NO_RELATIONSHIP", "no relationship").Because(errors.New(secret))
	if !strings.Contains(err.Error(), secret) {
		t.Error("the cause is lost to the log")
	}
	for _, st := range []*status.Status{fault.Status(err), err.GRPCStatus()} {
		if strings.Contains(st.Proto().String(), "Anning") {
			t.Errorf("the status quotes the cause: %v", st.Proto())
		}
	}
}

func TestRoundTrip(t *testing.T) {
	sent := fault.Invalid("TOO_LONG", "reason.text", "at most 500 characters").
		WithField("reason.code", "must be known").With("limit", "500")
	got := fault.FromStatus(fault.Status(sent).Err())
	if got.Kind != sent.Kind || got.Reason != sent.Reason || got.Text != sent.Text {
		t.Errorf("got %v, want %v", got, sent)
	}
	if d := cmp.Diff(sent.Fields, got.Fields) + cmp.Diff(sent.Metadata, got.Metadata); d != "" {
		t.Error(d)
	}
}

// gRPC's client wraps the last of several attempts in words of its own, which are none of our caller's business.
func TestTextIsTheSendersWhateverWrapsIt(t *testing.T) {
	sent := fault.Unavailable("AUDIT_UNAVAILABLE", "nothing is known to be stored: ask again")
	got := fault.FromStatus(fmt.Errorf("max retries exhausted: failed after 3 attempts: %w", fault.Status(sent).Err()))
	if got.Text != sent.Text || got.Reason != sent.Reason || got.Kind != sent.Kind {
		t.Errorf("got %v %q %q", got.Kind, got.Reason, got.Text)
	}
}

func TestForeignReasonIsNotBelieved(t *testing.T) {
	st, err := status.New(codes.PermissionDenied, secret).
		WithDetails(&errdetails.ErrorInfo{Reason: "NO_RELATIONSHIP", Domain: "elsewhere.example"})
	if err != nil {
		t.Fatal(err)
	}
	got := fault.FromStatus(st.Err())
	if got.Reason != "PERMISSION_DENIED" || strings.Contains(got.Text, "Anning") {
		t.Errorf("got %q %q", got.Reason, got.Text)
	}
}

func TestErrorsAreNotShared(t *testing.T) {
	base := fault.Denied("NO", "no").With("a", "1")
	_ = base.With("b", "2").WithField("x", "y").Because(errors.New("z"))
	if len(base.Metadata) != 1 || len(base.Fields) != 0 || base.Unwrap() != nil {
		t.Errorf("base was changed: %+v", base)
	}
	if !errors.Is(fmt.Errorf("decide: %w", base), fault.Denied("NO", "other words")) {
		t.Error("same reason is not the same error")
	}
	if errors.Is(base, fault.Denied("YES", "no")) {
		t.Error("another reason is the same error")
	}
}

type sqlError struct{}

func (sqlError) Error() string    { return "duplicate key " + secret }
func (sqlError) SQLState() string { return "23505" }

func TestTrail(t *testing.T) {
	_, notNumber := strconv.Atoi("Anning")
	cases := []struct {
		err  error
		want string
	}{
		{nil, ""},
		{fmt.Errorf("load choice: %w", sqlError{}), "load choice: fault_test.sqlError(23505)"},
		{fmt.Errorf("load 9990002673: %w", errors.New(secret)), "load ##########: *errors.errorString"},
		{fmt.Errorf("load %q: %w", secret, context.Canceled), "*fmt.wrapError: context canceled"},
		{fmt.Errorf("%w while loading %s", context.Canceled, secret), "*fmt.wrapError: context canceled"},
		{fmt.Errorf("read age: %w", notNumber), "read age: *strconv.NumError: *errors.errorString"},
		{fault.Unavailable("AUDIT_UNAVAILABLE", "later").Because(fmt.Errorf("append: %w", syscall.ECONNREFUSED)),
			"AUDIT_UNAVAILABLE: append: connection refused"},
		{status.Error(codes.NotFound, secret), "*status.Error(NotFound)"},
		{errors.Join(errors.New(secret), errors.New(secret)), "*errors.joinError"},
	}
	for _, c := range cases {
		if got := fault.Trail(c.err); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestRetryAfterTravels(t *testing.T) {
	sent := fault.Unavailable("BUSY", "too many are waiting").After(1500 * time.Millisecond)
	if got := fault.FromStatus(fault.Status(sent).Err()); got.RetryAfter != 1500*time.Millisecond {
		t.Errorf("told to ask again after %v, want 1.5 s", got.RetryAfter)
	}
}
