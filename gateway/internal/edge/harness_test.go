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

	"google.golang.org/grpc"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/service"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// probe is a chain that records what reaches it and goes no further.
type probe struct {
	mu      sync.Mutex
	methods []string
	last    any
}

func (p *probe) chain(_ context.Context, req any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.methods, p.last = append(p.methods, info.FullMethod), req
	return nil, fault.Status(fault.Denied("PROBE", "this far")).Err()
}

// newREST is the REST side in front of a chain. The handlers behind have nobody to ask.
func newREST(t testing.TB, chain grpc.UnaryServerInterceptor) (http.Handler, *Local) {
	t.Helper()
	tel, err := telemetry.Setup(context.Background(), telemetry.Config{Service: "gateway", Output: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	local := NewLocal(chain)
	service.Register(service.Config{Now: time.Now}, local)
	public, err := throttle.New(throttle.Limits{PerMinute: 1000, PerSecond: 1000}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h, err := NewHandler(Config{Local: local, Limit: NewLimit(8), Public: public, Telemetry: tel, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return h, local
}

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer x")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// meMethod is a method without fields.
const meMethod = gatewayv1.MeService_GetMe_FullMethodName
