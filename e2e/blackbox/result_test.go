package blackbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// result is how a call ended, the same whatever the surface.
type result struct {
	status    int // HTTP status, for gRPC that of its code
	reason    string
	fields    []string
	text      string
	requestID string
	eventID   string
	raw       []byte        // the body as it came over REST, or the ready bytes
	message   proto.Message // the answer, when it is a message
	header    http.Header
}

// readError reads an error of AIP-193, or an OperationOutcome.
func (r *result) readError(t *testing.T, body []byte) {
	t.Helper()
	var e struct {
		Error struct {
			Message string `json:"message"`
			Details []struct {
				Reason     string `json:"reason"`
				RequestID  string `json:"request_id"`
				Violations []struct {
					Field string `json:"field"`
				} `json:"field_violations"`
			} `json:"details"`
		} `json:"error"`
		Issue []struct {
			Details struct {
				Text   string `json:"text"`
				Coding []struct {
					Code string `json:"code"`
				} `json:"coding"`
			} `json:"details"`
			Expression []string `json:"expression"`
		} `json:"issue"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("status %d with a body that is no JSON: %v", r.status, err)
	}
	r.text = e.Error.Message
	for _, d := range e.Error.Details {
		r.reason += d.Reason
		for _, v := range d.Violations {
			r.fields = append(r.fields, v.Field)
		}
		if d.RequestID != "" && d.RequestID != r.requestID {
			t.Errorf("the error names request %s, the header %s", d.RequestID, r.requestID)
		}
	}
	for _, i := range e.Issue {
		r.reason, r.text = i.Details.Coding[0].Code, i.Details.Text
		r.fields = append(r.fields, i.Expression...)
	}
}

func (r *result) readStatus(st *status.Status) {
	r.text = st.Message()
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			r.reason = d.GetReason()
			if own, err := strconv.Atoi(d.GetMetadata()["http_status"]); err == nil {
				r.status = own
			}
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				r.fields = append(r.fields, v.GetField())
			}
		}
	}
}

func first(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}

// httpStatus is the HTTP status of a gRPC code.
func httpStatus(c codes.Code) int {
	switch c {
	case codes.OK:
		return http.StatusOK
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	case codes.PermissionDenied:
		return http.StatusForbidden
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.Aborted:
		return http.StatusConflict
	case codes.ResourceExhausted:
		return http.StatusTooManyRequests
	case codes.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// into wants a good answer and copies it.
func (r result) into(t *testing.T, to proto.Message) {
	t.Helper()
	r.want(t, http.StatusOK, "")
	if r.message == nil {
		t.Fatal("the answer is no message")
	}
	proto.Reset(to)
	proto.Merge(to, r.message)
}

// bodyInto wants a good answer of ready bytes and reads them as the message that the contract names:
// every field known, every name as in the contract.
func (r result) bodyInto(t *testing.T, to proto.Message) {
	t.Helper()
	r.want(t, http.StatusOK, "")
	if err := protojson.Unmarshal(r.raw, to); err != nil {
		t.Fatalf("the body is not what the contract says: %v", err)
	}
}

// want stops the test unless the call ended with that status and reason, naming those fields.
func (r result) want(t *testing.T, status int, reason string, fields ...string) {
	t.Helper()
	if problem := r.differs(status, reason, fields...); problem != "" {
		t.Fatal(problem)
	}
}

func (r result) differs(status int, reason string, fields ...string) string {
	got, want := fmt.Sprint(r.fields), fmt.Sprint(fields)
	if r.status == status && r.reason == reason && (len(fields) == 0 || got == want) {
		return ""
	}
	return fmt.Sprintf("status %d, reason %q, fields %s (%s); want %d, %q, %s", r.status, r.reason, got, r.text, status, reason, want)
}
