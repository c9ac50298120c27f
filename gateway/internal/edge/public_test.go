package edge

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/gateway/internal/service"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

const (
	publicStatus = "/v1/public/opt-outs:status"
	publicBody   = `{"reference": "K7M2-9QXT-4WPC", "birth_date": "1957-03-09"}`
)

func publicCall(body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, publicStatus, body)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// TestSlowCallersHoldNoPlace: more callers than there are places for the public have begun their bodies and do not go
// on; whoever sends whole is answered all the same.
func TestSlowCallersHoldNoPlace(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.Setup(context.Background(), telemetry.Config{Service: "gateway", Output: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	chain := &probe{}
	local := NewLocal(chain.chain)
	service.Register(service.Config{Now: time.Now}, local)
	public, err := throttle.New(throttle.Limits{PerMinute: 1000, PerSecond: 1000}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHandler(Config{Local: local, Limit: NewLimit(64), Public: public, Telemetry: tel, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	var slowly []*io.PipeWriter
	defer func() {
		for _, slow := range slowly {
			_ = slow.Close() // never fails
		}
		callers.Wait()
	}()
	for range 20 {
		body, slow := io.Pipe()
		slowly = append(slowly, slow)
		callers.Go(func() {
			h.ServeHTTP(httptest.NewRecorder(), publicCall(body))
			_ = body.Close() // of one that was refused unread; Close never fails
		})
		if _, err := slow.Write([]byte("{")); err != nil { // returns once it was read
			t.Errorf("a slow caller was refused: %v", err)
		}
	}
	got := httptest.NewRecorder()
	h.ServeHTTP(got, publicCall(strings.NewReader(publicBody)))
	if got.Code != http.StatusForbidden || len(chain.methods) != 1 {
		t.Errorf("%d %s; the chain saw %v", got.Code, got.Body, chain.methods)
	}
}

// TestPublicBodiesAreSmall: nobody unknown has us read more than a form.
func TestPublicBodiesAreSmall(t *testing.T) {
	t.Parallel()
	chain := &probe{}
	h, _ := newREST(t, chain.chain)
	got := httptest.NewRecorder()
	h.ServeHTTP(got, publicCall(strings.NewReader(publicBody+strings.Repeat(" ", maxPublic))))
	if got.Code != http.StatusRequestEntityTooLarge || len(chain.methods) != 0 {
		t.Errorf("%d %s; the chain saw %v", got.Code, got.Body, chain.methods)
	}
}
