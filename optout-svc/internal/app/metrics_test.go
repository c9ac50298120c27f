package app

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestGauges: what is open, near its date and past it, and what record-svc has not confirmed, stands on the
// operators' listener, and nothing of a person.
func TestGauges(t *testing.T) {
	t.Parallel()
	s := prepareSuite(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ops := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	s.cfg.Config.Telemetry.OpsListen = ops
	s.start()
	for number, age := range map[string]time.Duration{"9990000018": 20 * 24 * time.Hour, "9990000026": time.Hour} {
		req := optOut(number)
		req.Hold, req.ReceivedAt = true, stampAt(-age)
		s.mustRegister(req)
	}
	s.record.set(down)
	s.mustRegister(optOut("9990000034"))
	shown := func(line string) bool {
		resp, err := http.Get("http://" + ops + "/metrics")
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		// A number by itself: sums of seconds have such digits behind their point now and then.
		if at := regexp.MustCompile(`(^|[^0-9.])(99900000(18|26|34)|Anning)`).FindIndex(text); at != nil {
			t.Errorf("the metrics hold a person: %s", text[max(0, at[0]-100):at[0]])
		}
		return err == nil && strings.Contains(string(text), "\n"+line+"\n")
	}
	for _, want := range []string{
		"dcr_optout_requests_open 2", "dcr_optout_requests_near_due 1", "dcr_optout_requests_overdue 1", "dcr_optout_choices_unconfirmed 1",
	} {
		s.await(want, func() bool { return shown(want) })
	}
	s.record.set(well)
	s.await("confirmed", func() bool { return shown("dcr_optout_choices_unconfirmed 0") })
}
