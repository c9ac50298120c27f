package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

const (
	connectLimit = 3 * time.Second
	firstBackoff = 100 * time.Millisecond
	longestPause = time.Second
	// replicaWait is longer than the longest pause between two attempts to connect.
	replicaWait   = 1500 * time.Millisecond
	backoffGrowth = 1.6
	backoffJitter = 0.2
)

// DialConfig is what a client needs to know.
type DialConfig struct {
	// Target is where the service is: "dns:///record-svc:7000", or a fixed list
	// of replicas, "static:///host:port,host:port". Calls take turns.
	Target string
	// Peer is the certificate name that the service must show, "record-svc".
	Peer string
	// TLS is the identity of this process.
	TLS *mtls.Source
	// Telemetry gets spans; none are kept when nil.
	Telemetry *telemetry.Telemetry
	// Idempotent lists what may be sent again when a replica turned out to be
	// unavailable: full methods "package.Service/Method", or whole services
	// "package.Service". Nothing else is ever sent twice, but for calls that
	// provably did not leave.
	Idempotent []string
	// DefaultDeadline is given to a call that has none; 10 s when 0.
	DefaultDeadline time.Duration
	// MaxMessageBytes limits requests and responses; 20 MiB when 0.
	MaxMessageBytes int
}

// Dial makes a client of a service. It does not wait for a connection: a call
// that finds no healthy replica, and gets none within 1.5 s, fails with
// Unavailable. Close it when done.
func Dial(cfg DialConfig) (*grpc.ClientConn, error) {
	if cfg.Target == "" || cfg.Peer == "" || cfg.TLS == nil {
		return nil, errors.New("dial: Target, Peer and TLS are needed")
	}
	if cfg.DefaultDeadline == 0 {
		cfg.DefaultDeadline = defaultDeadline
	}
	if cfg.MaxMessageBytes == 0 {
		cfg.MaxMessageBytes = defaultMessage
	}
	policy, err := serviceConfig(cfg.Idempotent)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", cfg.Peer, err)
	}
	conn, err := grpc.NewClient(cfg.Target, cfg.options(policy)...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", cfg.Peer, err)
	}
	return conn, nil
}

func (cfg DialConfig) options(policy string) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(cfg.TLS.Client(cfg.Peer))),
		grpc.WithAuthority(cfg.Peer),
		grpc.WithDefaultServiceConfig(policy),
		grpc.WithDisableServiceConfig(), // none from DNS
		grpc.WithNoProxy(),
		grpc.WithResolvers(staticBuilder{}),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(newTools(cfg.Telemetry).otel()...)),
		grpc.WithChainUnaryInterceptor(withDeadline(cfg.DefaultDeadline), awaitReplica, onlyRequestID),
		grpc.WithStreamInterceptor(noStreams),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(cfg.MaxMessageBytes), grpc.MaxCallSendMsgSize(cfg.MaxMessageBytes)),
		grpc.WithMaxHeaderListSize(maxHeaderBytes),
		grpc.WithIdleTimeout(0),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveEvery, Timeout: keepaliveLimit, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{BaseDelay: firstBackoff, Multiplier: backoffGrowth,
				Jitter: backoffJitter, MaxDelay: longestPause},
			MinConnectTimeout: connectLimit,
		}),
	}
}

// withDeadline gives calls an end.
func withDeadline(limit time.Duration) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, limit)
			defer cancel()
		}
		return next(ctx, method, req, reply, cc, opts...)
	}
}

// awaitReplica gives a call that finds no replica a moment to get one. In a
// rolling restart the new replica may be ready a little before we have connected
// to it again, and the old one says already that it takes no more. Nothing is
// sent meanwhile, so that this is safe for every call.
func awaitReplica(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if state := cc.GetState(); state == connectivity.TransientFailure {
		waiting, cancel := context.WithTimeout(ctx, replicaWait)
		for state == connectivity.TransientFailure && cc.WaitForStateChange(waiting, state) {
			state = cc.GetState()
		}
		cancel()
	}
	return next(ctx, method, req, reply, cc, opts...)
}

// onlyRequestID sends the request id and nothing else: metadata that reached
// the context from outside, however it came there, stops here. (Trace context
// is added after this, by the stats handler.)
func onlyRequestID(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	md := metadata.MD{}
	if id := RequestID(ctx); id != "" {
		md.Set(requestIDKey, id)
	}
	return next(metadata.NewOutgoingContext(ctx, md), method, req, reply, cc, opts...)
}

// noStreams: the suite has no streams, so none can slip past the interceptors.
func noStreams(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("dial: streams are not used")
}
