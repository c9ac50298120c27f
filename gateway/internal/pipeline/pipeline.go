package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

const (
	defaultFactsLimit = 2 * time.Second
	defaultAuditTry   = 700 * time.Millisecond
	defaultAuditLimit = 1700 * time.Millisecond
	defaultDeadline   = 20 * time.Second
	defaultLongest    = 60 * time.Second
	defaultTally      = time.Minute
)

// Config is what a pipeline is made from.
type Config struct {
	// Rules and Policy that decide.
	Rules  *rules.Registry
	Policy *access.Policy
	// Tokens verifies bearer tokens.
	Tokens *authn.Verifier
	// Identity, OptOut and Audit are connections to these services.
	Identity, OptOut, Audit grpc.ClientConnInterface
	// Public keeps callers who are not signed in to an allowance.
	Public *throttle.Throttle
	// Log gets one line for each call, without a person's data.
	Log *slog.Logger
	// Meter takes metrics; none are kept when nil.
	Meter metric.MeterProvider
	// FactsLimit is how long gathering facts may take; 2 s when 0.
	FactsLimit time.Duration
	// AuditTry is how long one append may take before its outcome counts as
	// unknown and it is sent again, 0.7 s when 0; AuditLimit is how long all tries
	// together may take, 1.7 s when 0: who waits for a record is told within two
	// seconds that it cannot be accounted for.
	AuditTry, AuditLimit time.Duration
	// Deadline of a call, 20 s when 0; Longest, that of a bundle, 60 s when 0.
	Deadline, Longest time.Duration
	// TallyEvery is how often refusals of unknown callers become one event;
	// a minute when 0.
	TallyEvery time.Duration
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Pipeline is the chain in front of every RPC. Make one with New, keep Run
// running beside it, and put Unary in front of the services.
type Pipeline struct {
	cfg       Config
	facts     identityv1.FactsServiceClient
	choices   optoutv1.ChoiceServiceClient
	audit     auditv1.AppendServiceClient
	validator *rpc.Validator
	metrics   metrics
	tally     *tally
	sessions  sessions
	run       func(context.Context, *attempt) (any, error)
}

// New makes a pipeline. It fails when something is missing, or when a request's
// rules do not compile.
func New(cfg Config) (*Pipeline, error) {
	cfg = cfg.withDefaults()
	if cfg.Rules == nil || cfg.Policy == nil || cfg.Tokens == nil || cfg.Public == nil || cfg.Log == nil ||
		cfg.Identity == nil || cfg.OptOut == nil || cfg.Audit == nil {
		return nil, errors.New("make pipeline: Rules, Policy, Tokens, Public, Log and the three connections are needed")
	}
	validator, err := rpc.NewValidator(cfg.Rules.Services()...)
	if err != nil {
		return nil, fmt.Errorf("make pipeline: %w", err)
	}
	m, err := newMetrics(cfg.Meter.Meter("dcr/gateway"))
	if err != nil {
		return nil, fmt.Errorf("make pipeline: %w", err)
	}
	p := &Pipeline{
		cfg:       cfg,
		facts:     identityv1.NewFactsServiceClient(cfg.Identity),
		choices:   optoutv1.NewChoiceServiceClient(cfg.OptOut),
		audit:     auditv1.NewAppendServiceClient(cfg.Audit),
		validator: validator,
		metrics:   m,
		tally:     &tally{},
	}
	p.run = compose(p.chain(), runHandler)
	return p, nil
}

// Unary is the whole chain as one interceptor.
func (p *Pipeline) Unary() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return p.run(ctx, &attempt{method: info.FullMethod, request: req, handler: handler})
	}
}

func (c Config) withDefaults() Config {
	for d, otherwise := range map[*time.Duration]time.Duration{
		&c.FactsLimit: defaultFactsLimit, &c.AuditTry: defaultAuditTry, &c.AuditLimit: defaultAuditLimit,
		&c.Deadline: defaultDeadline, &c.Longest: defaultLongest, &c.TallyEvery: defaultTally,
	} {
		if *d == 0 {
			*d = otherwise
		}
	}
	if c.Meter == nil {
		c.Meter = metricnoop.NewMeterProvider()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}
