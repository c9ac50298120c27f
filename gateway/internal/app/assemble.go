package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
	_ "time/tzdata" // an image has no zone files

	"github.com/dorsetcarerecord/dcr/gateway/internal/accesshistory"
	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
	"github.com/dorsetcarerecord/dcr/gateway/internal/edge"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pagetoken"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
	"github.com/dorsetcarerecord/dcr/gateway/internal/service"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/pdf"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// parts are what the process consists of, built and not yet listening.
type parts struct {
	tel      *telemetry.Telemetry
	tokens   *authn.Verifier
	pipeline *pipeline.Pipeline
	cert     *edge.Certificate
	limit    *edge.Limit
	public   *throttle.Throttle
	rest     http.Handler
	services service.Config
	closers  []life.Step // in the order of closing
}

// doors are the listeners.
type doors struct {
	rest *edge.Server
	grpc *edge.GRPC
	ops  *telemetry.Ops
}

// assemble reads every file and builds everything but the listeners.
func assemble(cfg Config, tel *telemetry.Telemetry) (*parts, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &parts{tel: tel, limit: edge.NewLimit(cfg.Public.MaxCalls)}
	if err := p.build(cfg); err != nil {
		return nil, errors.Join(err, p.close(context.Background()))
	}
	return p, nil
}

func (p *parts) build(cfg Config) error {
	to, err := p.dial(cfg)
	if err != nil {
		return err
	}
	if p.public, err = throttle.New(cfg.Public.Throttle, clock); err != nil {
		return err
	}
	if err := p.buildPipeline(cfg.Trust, to); err != nil {
		return err
	}
	pages, err := pagetoken.Load(cfg.Trust.PageTokenKeyFile, clock)
	if err != nil {
		return fmt.Errorf("DCR_PAGE_TOKEN_KEY_FILE: %w", err)
	}
	p.services.Identity, p.services.OptOut, p.services.Record, p.services.Audit = to.identity, to.optOut, to.record, to.audit
	p.services.Pages, p.services.Version, p.services.Now = pages, version(), clock
	if err := p.buildHistory(); err != nil {
		return err
	}
	return p.buildEdge(cfg.Public)
}

// countyZone is where the people of the county live: the days that they are told are days there.
const countyZone = "Europe/London"

// buildHistory is what tells a person who has used their record.
func (p *parts) buildHistory() (err error) {
	if p.services.History, err = accesshistory.DefaultWords(); err != nil {
		return err
	}
	if p.services.Press, err = pdf.New(); err != nil {
		return fmt.Errorf("make press: %w", err)
	}
	if p.services.Zone, err = time.LoadLocation(countyZone); err != nil {
		return fmt.Errorf("load time zone: %w", err)
	}
	return nil
}

// buildPipeline is the chain in front of every call, on every surface.
func (p *parts) buildPipeline(cfg Trust, to connections) error {
	policy, err := loadPolicy(cfg.PolicyFile)
	if err != nil {
		return err
	}
	p.services.Profession = policy.ProfessionOf
	registry, err := rules.New(policy, rules.Exposed()...)
	if err != nil {
		return err
	}
	issuers, err := authn.LoadConfig(cfg.IssuersFile)
	if err != nil {
		return fmt.Errorf("DCR_ISSUERS_FILE: %w", err)
	}
	if p.tokens, err = authn.New(issuers, p.tel.Log, clock); err != nil {
		return fmt.Errorf("DCR_ISSUERS_FILE: %w", err)
	}
	p.tel.Readiness.Add("issuers' keys", p.keysReady)
	p.pipeline, err = pipeline.New(pipeline.Config{
		Rules: registry, Policy: policy, Tokens: p.tokens, Public: p.public,
		Identity: to.identity, OptOut: to.optOut, Audit: to.audit,
		Log: p.tel.Log, Meter: p.tel.Meter, Now: clock,
	})
	return err
}

var errKeys = errors.New("the keys of an issuer are not at hand")

// keysReady is the one readiness check. Whether the services behind answer is
// not asked: without one of them some calls still work, and the others say which
// is missing; a replica that leaves for that helps nobody.
func (p *parts) keysReady(context.Context) error {
	if !p.tokens.Ready() {
		return errKeys
	}
	return nil
}

func (p *parts) buildEdge(cfg Public) error {
	var err error
	if p.cert, err = edge.LoadCertificate(cfg.CertFile, cfg.KeyFile, p.tel.Log, clock); err != nil {
		return err
	}
	proxies, err := edge.ParseProxies(cfg.TrustedProxies)
	if err != nil {
		return fmt.Errorf("DCR_TRUSTED_PROXIES: %w", err)
	}
	local := edge.NewLocal(p.pipeline.Unary())
	service.Register(p.services, local)
	p.rest, err = edge.NewHandler(edge.Config{
		Local: local, Limit: p.limit, Public: p.public, Proxies: proxies, Telemetry: p.tel, Now: clock,
	})
	return err
}

// open opens the listeners.
func (p *parts) open(cfg Config) (*doors, error) {
	ops, err := p.tel.ListenOps()
	if err != nil {
		return nil, err
	}
	d := &doors{ops: ops}
	if d.grpc, err = edge.ListenGRPC(cfg.Public.ListenGRPC, p.cert, p.pipeline.Unary(), p.limit, p.tel); err != nil {
		return nil, errors.Join(err, ops.Stop(context.Background()))
	}
	service.Register(p.services, d.grpc)
	if d.rest, err = edge.Listen(cfg.Public.ListenREST, p.cert, p.rest, p.tel.Log); err != nil {
		return nil, errors.Join(err, d.grpc.Close(), ops.Stop(context.Background()))
	}
	return d, nil
}

// close closes what is open, in order.
func (p *parts) close(ctx context.Context) error {
	var errs []error
	for _, step := range p.closers {
		errs = append(errs, step.Do(ctx))
	}
	return errors.Join(errs...)
}
