package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Limits of one HTTP connection. A bundle of 16 MiB over a slow line takes its
// time; a caller that stands still does not get it.
const (
	readHeaderLimit = 5 * time.Second
	readLimit       = 60 * time.Second
	writeLimit      = 90 * time.Second
	idleLimit       = 75 * time.Second
	maxHeaderBytes  = 16 << 10
	maxStreams      = 250
)

// Server is the HTTPS listener.
type Server struct {
	http     *http.Server
	lis      net.Listener
	draining atomic.Bool
}

// Listen opens the HTTPS listener for handler, HTTP/1.1 and HTTP/2.
func Listen(addr string, cert *Certificate, handler http.Handler, log *slog.Logger) (*Server, error) {
	lis, err := net.Listen("tcp", addr) //nolint:noctx // an address of this machine: it takes no time
	if err != nil {
		return nil, fmt.Errorf("DCR_LISTEN_REST: %w", err)
	}
	conf := cert.Config("h2", "http/1.1")
	s := &Server{lis: tls.NewListener(lis, conf)}
	s.http = &http.Server{
		Handler:           s.closing(handler),
		TLSConfig:         conf,
		ReadHeaderTimeout: readHeaderLimit,
		ReadTimeout:       readLimit,
		WriteTimeout:      writeLimit,
		IdleTimeout:       idleLimit,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(quiet{log.Handler()}, slog.LevelDebug),
	}
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.lis.Addr().String() }

// Serve answers until Stop; it returns nil then.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.lis); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve REST: %w", err)
	}
	return nil
}

// Drain goes on answering, and closes each connection after its answer, so that
// callers find another replica. Idle connections stay: a request may be on its
// way on one of them.
func (s *Server) Drain() { s.draining.Store(true) }

func (s *Server) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// Close gives the address back without having served.
func (s *Server) Close() error {
	if err := s.lis.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close REST listener: %w", err)
	}
	return nil
}

// Stop takes no new request and waits for those under way. When ctx ends first
// they are cut off.
func (s *Server) Stop(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.http.Close())
	}
	return nil
}

// quiet takes net/http's own lines, which quote addresses and parts of requests,
// and keeps only that there was one.
type quiet struct{ slog.Handler }

// Handle writes the line without its words.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	plain := slog.NewRecord(r.Time, slog.LevelDebug, "http connection failed", 0)
	if err := q.Handler.Handle(ctx, plain); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}
