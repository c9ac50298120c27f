package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Ops is the operators' HTTP listener. It stops late, so that a process that
// drains still answers its probes.
type Ops struct {
	lis    net.Listener
	server *http.Server
	ready  *Readiness
	stop   sync.Once
	done   chan struct{}
}

// ListenOps opens the listener of DCR_OPS_LISTEN. Without an address the Ops
// answers nobody, and Serve waits for Stop all the same.
func (t *Telemetry) ListenOps() (*Ops, error) {
	o := &Ops{ready: t.Readiness, done: make(chan struct{})}
	if t.opsListen == "" {
		return o, nil
	}
	lis, err := net.Listen("tcp", t.opsListen) //nolint:noctx // it takes no time: an address of this machine
	if err != nil {
		return nil, fmt.Errorf("DCR_OPS_LISTEN: %w", err)
	}
	o.lis = lis
	o.server = &http.Server{
		Handler:           t.OpsHandler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	return o, nil
}

// OpsHandler answers /metrics, /livez and /readyz.
func (t *Telemetry) OpsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(t.Registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if failing := t.Readiness.Failing(r.Context()); len(failing) > 0 {
			answer(w, http.StatusServiceUnavailable, "not ready: "+strings.Join(failing, ", "))
			return
		}
		answer(w, http.StatusOK, "ok")
	})
	return mux
}

// Addr is where Ops listens, "" when it does not.
func (o *Ops) Addr() string {
	if o.lis == nil {
		return ""
	}
	return o.lis.Addr().String()
}

// Serve answers until Stop; it returns nil then.
func (o *Ops) Serve() error {
	if o.lis == nil {
		<-o.done
		return nil
	}
	if err := o.server.Serve(o.lis); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve operators: %w", err)
	}
	return nil
}

// Stop lets answers under way finish, until ctx ends.
func (o *Ops) Stop(ctx context.Context) error {
	var err error
	o.stop.Do(func() {
		close(o.done)
		if o.server == nil {
			return
		}
		if err = o.server.Shutdown(ctx); err != nil {
			err = errors.Join(fmt.Errorf("stop operators' listener: %w", err), o.server.Close())
			return
		}
		err = o.ready.wait(ctx)
	})
	return err
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// A probe that went away needs no answer.
	_, _ = io.WriteString(w, text+"\n")
}
