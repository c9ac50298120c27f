package app

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const statusPath = "/v1/public/opt-outs:status"

// TestThePublicHasAnAllowance: whoever is not signed in may ask so often and no more, with whatever they send:
// a good question, garbage, or a megabyte. All three calls draw on one allowance, on both surfaces. Staff at
// the same address are none the worse for it.
func TestThePublicHasAnAllowance(t *testing.T) {
	s := newStack(t, func(c *Config) { c.Public.Throttle.PerMinute = 8 })
	asked := []call{
		{method: "POST", path: statusPath, body: `{"reference":"X","birth_date":"1950-03-02"}`},
		{method: "POST", path: "/v1/public/opt-outs:confirm", body: `{"reference":"X","code":"1"}`},
		{method: "POST", path: "/v1/public/opt-outs", body: `garbage`},
		{method: "POST", path: statusPath, body: strings.Repeat("x", 2<<20)},
	}
	for i := range 8 {
		if got := s.do(asked[i%len(asked)]); got.status == http.StatusTooManyRequests {
			t.Fatalf("call %d of 8 is refused: %s", i+1, got.body)
		}
	}
	for _, c := range asked {
		got := s.do(c)
		wantRefused(t, got, http.StatusTooManyRequests, "RATE_LIMITED", "")
		if wait, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || wait < 1 || wait > 60 {
			t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
		}
	}
	_, err := gatewayv1.NewPublicOptOutServiceClient(s.conn()).GetPublicOptOutStatus(t.Context(),
		&gatewayv1.GetPublicOptOutStatusRequest{Reference: "X", BirthDate: "1950-03-02"})
	if fault.ReasonOf(err) != "RATE_LIMITED" {
		t.Errorf("over gRPC: %v", err)
	}
	if events := s.behind.accounted("opt_out.public.status"); len(events) > 8 {
		t.Errorf("%d events: a flood fills the log", len(events))
	}
	if got := s.do(call{method: "GET", path: "/v1/patients/" + rich + "/record", token: s.paramedic()}); got.status != http.StatusOK {
		t.Errorf("a paramedic at the same address: %d %s", got.status, got.body)
	}
}
