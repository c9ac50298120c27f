// Package rpc is gRPC as the suite uses it: servers with one chain of checks
// in front of every call (chain.go), and clients that spread calls over the
// replicas of a service (dial.go). Every connection is mutual TLS.
package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"buf.build/go/protovalidate"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

const (
	defaultDeadline = 10 * time.Second
	defaultMax      = 30 * time.Second
	defaultMessage  = 20 << 20
	// connectionAge makes clients reconnect, so that new replicas get their
	// share of the calls and rotated certificates come into use.
	connectionAge   = 30 * time.Second
	handshakeLimit  = 5 * time.Second
	maxHeaderBytes  = 16 << 10
	maxCallsPerConn = 1000
	// A peer that hangs, with its connection open, is left after both together.
	keepaliveEvery   = 10 * time.Second
	keepaliveLimit   = 5 * time.Second
	keepaliveMinimum = 5 * time.Second
)

// ServerConfig is what a server needs to know.
type ServerConfig struct {
	// Name is the name of the process, which its certificate must bear; not checked when empty.
	Name string
	// TLS is the identity of the process.
	TLS *mtls.Source
	// Callers lists, for each gRPC service by its full name, the certificate
	// names that may call it. It must list exactly what is registered.
	Callers map[string][]string
	// Log gets one line for each call.
	Log *slog.Logger
	// Telemetry gets spans and metrics; none are kept when nil.
	Telemetry *telemetry.Telemetry
	// DefaultDeadline is given to a call that came without one; 10 s when 0.
	DefaultDeadline time.Duration
	// MaxDeadline cuts longer deadlines; 30 s when 0.
	MaxDeadline time.Duration
	// MaxMessageBytes limits requests and responses; 20 MiB when 0.
	MaxMessageBytes int
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Server is a gRPC server behind the chain. Register services on it, then
// Serve. It ends with Drain and Stop.
type Server struct {
	cfg       ServerConfig
	grpc      *grpc.Server
	health    *health.Server
	metrics   serverMetrics
	validator protovalidate.Validator
	// stopping ends when Stop begins: health watchers would otherwise keep
	// their streams, and so the server, open.
	stopping context.Context
	stop     context.CancelFunc
}

// NewServer makes a server with the health service registered. It fails when
// the configuration is not whole.
func NewServer(cfg ServerConfig) (*Server, error) {
	if cfg.TLS == nil || cfg.Log == nil {
		return nil, errors.New("make rpc server: TLS and Log are needed")
	}
	if cfg.Name != "" && cfg.TLS.Name() != cfg.Name {
		// Peers would refuse it, each for itself and at its own time; better nobody finds it serving.
		return nil, fmt.Errorf("make rpc server: DCR_TLS_CERT_FILE: the certificate names %s, not %s", cfg.TLS.Name(), cfg.Name)
	}
	cfg = cfg.withDefaults()
	if cfg.DefaultDeadline > cfg.MaxDeadline {
		return nil, errors.New("make rpc server: the default deadline is longer than the longest")
	}
	tools := newTools(cfg.Telemetry)
	s := &Server{cfg: cfg, health: health.NewServer()}
	s.stopping, s.stop = context.WithCancel(context.Background())
	var err error
	if s.metrics, err = newServerMetrics(tools.meter.Meter("dcr/rpc")); err != nil {
		return nil, fmt.Errorf("make rpc server: %w", err)
	}
	if err := cfg.TLS.Instrument(tools.meter.Meter("dcr/mtls")); err != nil {
		return nil, fmt.Errorf("make rpc server: %w", err)
	}
	s.grpc = grpc.NewServer(s.options(tools)...)
	s.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	return s, nil
}

// RegisterService makes the Server a grpc.ServiceRegistrar for generated code.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.grpc.RegisterService(desc, impl)
}

// Serve checks the server (see Check) and answers calls on lis until Stop; it
// returns nil then. It closes lis.
func (s *Server) Serve(lis net.Listener) error {
	if err := s.Check(); err != nil {
		return errors.Join(err, lis.Close())
	}
	s.health.SetServingStatus("", healthv1.HealthCheckResponse_SERVING)
	// Stop may come before Serve, in a process that ends as it starts.
	if err := s.grpc.Serve(lis); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve rpc: %w", err)
	}
	return nil
}

// Drain tells clients to go elsewhere, while calls are still answered. There
// is no way back.
func (s *Server) Drain() { s.health.Shutdown() }

// Stop takes no new call and waits for those under way. When ctx ends first
// they are cut off, and it returns the context's error.
func (s *Server) Stop(ctx context.Context) error {
	s.Drain()
	s.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
		return fmt.Errorf("calls were cut off: %w", ctx.Err())
	}
}

func (c ServerConfig) withDefaults() ServerConfig {
	if c.MaxDeadline == 0 {
		c.MaxDeadline = max(defaultMax, c.DefaultDeadline)
	}
	if c.DefaultDeadline == 0 {
		c.DefaultDeadline = min(defaultDeadline, c.MaxDeadline)
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = defaultMessage
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (s *Server) options(t tools) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(credentials.NewTLS(s.cfg.TLS.Server())),
		grpc.StatsHandler(otelgrpc.NewServerHandler(append(t.otel(), otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))...)),
		grpc.ChainUnaryInterceptor(s.unaryChain()...),
		grpc.StreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(s.cfg.MaxMessageBytes),
		grpc.MaxSendMsgSize(s.cfg.MaxMessageBytes),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxConcurrentStreams(maxCallsPerConn),
		grpc.ConnectionTimeout(handshakeLimit),
		// Whoever closes the database after Stop must find no handler using it.
		grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge:      connectionAge,
			MaxConnectionAgeGrace: s.cfg.MaxDeadline,
			Time:                  keepaliveEvery,
			Timeout:               keepaliveLimit,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveMinimum, PermitWithoutStream: true}),
	}
}

// tools are the parts of telemetry that gRPC needs, all present.
type tools struct {
	tracer     trace.TracerProvider
	meter      metric.MeterProvider
	propagator propagation.TextMapPropagator
}

func newTools(t *telemetry.Telemetry) tools {
	if t == nil {
		return tools{tracenoop.NewTracerProvider(), metricnoop.NewMeterProvider(), propagation.TraceContext{}}
	}
	return tools{t.Tracer, t.Meter, t.Propagator}
}

// otel are the options of the stats handlers. Their own metrics are left out:
// ours (metrics.go) know the code that the caller got.
func (t tools) otel() []otelgrpc.Option {
	return []otelgrpc.Option{
		otelgrpc.WithTracerProvider(t.tracer),
		otelgrpc.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelgrpc.WithPropagators(t.propagator),
	}
}
