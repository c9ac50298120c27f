package edge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

const (
	// maxMessage leaves a bundle of 16 MiB room for its envelope.
	maxMessage       = maxBundle + 64<<10
	maxAnswer        = 20 << 20
	connectionAge    = 30 * time.Second
	connectionGrace  = 60 * time.Second
	handshakeLimit   = 5 * time.Second
	keepaliveEvery   = 20 * time.Second
	keepaliveLimit   = 5 * time.Second
	keepaliveMinimum = 10 * time.Second
)

// GRPC is the gRPC listener: the same services and the same chain as REST. TLS
// shows the gateway's certificate; callers prove themselves by token.
type GRPC struct {
	server *grpc.Server
	health *health.Server
	lis    net.Listener
	// stopping ends health watches, which would keep the server open.
	stopping context.Context
	stop     context.CancelFunc
}

// ListenGRPC opens the listener. Register services on the GRPC, then Serve.
func ListenGRPC(addr string, cert *Certificate, chain grpc.UnaryServerInterceptor, limit *Limit, t *telemetry.Telemetry) (*GRPC, error) {
	lis, err := net.Listen("tcp", addr) //nolint:noctx // an address of this machine: it takes no time
	if err != nil {
		return nil, fmt.Errorf("DCR_LISTEN_GRPC: %w", err)
	}
	g := &GRPC{health: health.NewServer(), lis: lis}
	g.stopping, g.stop = context.WithCancel(context.Background())
	g.server = grpc.NewServer(
		grpc.Creds(credentials.NewTLS(cert.Config("h2"))),
		grpc.StatsHandler(otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(t.Tracer),
			otelgrpc.WithMeterProvider(metricnoop.NewMeterProvider()),
			otelgrpc.WithPropagators(t.Propagator),
			otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))),
		grpc.ChainUnaryInterceptor(exceptHealth(limit.unary), exceptHealth(chain)),
		grpc.StreamInterceptor(g.stream),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxSendMsgSize(maxAnswer),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshakeLimit),
		grpc.WaitForHandlers(true),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: connectionAge, MaxConnectionAgeGrace: connectionGrace,
			Time: keepaliveEvery, Timeout: keepaliveLimit,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveMinimum, PermitWithoutStream: true}),
	)
	healthv1.RegisterHealthServer(g.server, g.health)
	g.health.SetServingStatus("", healthv1.HealthCheckResponse_NOT_SERVING)
	return g, nil
}

// RegisterService makes the GRPC a grpc.ServiceRegistrar.
func (g *GRPC) RegisterService(desc *grpc.ServiceDesc, impl any) {
	g.server.RegisterService(desc, impl)
}

// Addr is where it listens.
func (g *GRPC) Addr() string { return g.lis.Addr().String() }

// Serve answers until Stop; it returns nil then.
func (g *GRPC) Serve() error {
	g.health.SetServingStatus("", healthv1.HealthCheckResponse_SERVING)
	if err := g.server.Serve(g.lis); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve gRPC: %w", err)
	}
	return nil
}

// Drain tells callers to go elsewhere; calls are still answered.
func (g *GRPC) Drain() { g.health.Shutdown() }

// Stop takes no new call and waits for those under way. When ctx ends first
// they are cut off.
func (g *GRPC) Stop(ctx context.Context) error {
	g.Drain()
	g.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.server.GracefulStop()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		g.server.Stop()
		<-done
		return fmt.Errorf("calls were cut off: %w", ctx.Err())
	}
}

// Close gives the address back without having served.
func (g *GRPC) Close() error {
	if err := g.lis.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close gRPC listener: %w", err)
	}
	return nil
}

// stream refuses every stream but the watching of health: what discloses is
// unary, so that each call is decided and accounted for as one.
func (g *GRPC) stream(impl any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if info.FullMethod != healthv1.Health_Watch_FullMethodName {
		return fault.Status(fault.Denied("STREAM_NOT_ALLOWED", "there are no streams here")).Err()
	}
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	defer context.AfterFunc(g.stopping, cancel)()
	return next(impl, watching{ss, ctx})
}

// watching is a health stream that ends when the server stops.
type watching struct {
	grpc.ServerStream
	ctx context.Context
}

// Context ends with the stream or with the server.
func (w watching) Context() context.Context { return w.ctx }

// exceptHealth lets probes pass: they carry no token and learn nothing.
func exceptHealth(step grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if strings.HasPrefix(info.FullMethod, "/"+healthv1.Health_ServiceDesc.ServiceName+"/") {
			return next(ctx, req)
		}
		return step(ctx, req, info, next)
	}
}
