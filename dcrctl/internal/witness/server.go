package witness

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// callLimit bounds one call, slow senders included.
const callLimit = 10 * time.Second

// Handler is the witness's door: POST /add-checkpoint for logs, GET /status for people, GET /metrics for
// machines. Nothing needs a password: a checkpoint is believed for its signature, and all that is told is
// public.
func (w *Witness) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	mux.HandleFunc("GET /status", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		rw.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(rw, w.Status())
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.cfg.Metrics.Registry, promhttp.HandlerOpts{}))
	return mux
}

func (w *Witness) addCheckpoint(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, verify.MaxSubmission))
	if err != nil {
		status := http.StatusBadRequest
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(rw, "the submission cannot be read", status)
		return
	}
	a := w.Add(r.Context(), body)
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if a.Size {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
	}
	rw.WriteHeader(a.Status)
	_, _ = io.WriteString(rw, a.Body)
}

// Server serves a handler with limits against slow and endless callers.
func Server(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadTimeout: callLimit, ReadHeaderTimeout: callLimit, WriteTimeout: callLimit,
		IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
}
