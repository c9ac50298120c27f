package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// authenticate finds out what became of the token. It refuses nothing itself:
// that is for the decision's first check, which admit applies.
func (p *Pipeline) authenticate(ctx context.Context, a *attempt, next following) (any, error) {
	a.facts.Token, a.facts.Audience = access.TokenRefused, accessv1.Audience_AUDIENCE_ANYONE
	sent := metadata.ValueFromIncomingContext(ctx, "authorization")
	token, bearer := bearerToken(sent)
	switch {
	case len(sent) == 0:
		a.facts.Token = access.TokenAbsent
	case bearer:
		p.verify(ctx, a, token)
	default:
		a.failedCheck = "no single bearer token"
	}
	return next(ctx)
}

func (p *Pipeline) verify(ctx context.Context, a *attempt, token string) {
	caller, err := p.cfg.Tokens.Verify(ctx, token)
	var refusal *authn.Refusal
	switch {
	case err == nil:
		a.facts.Token, a.facts.Audience, a.facts.RoleCode = access.TokenAccepted, caller.Audience, caller.RoleCode
		a.call.Caller = caller
	case errors.As(err, &refusal):
		a.failedCheck = refusal.Check
	default:
		a.facts.Token, a.failedCheck = access.TokenUnverifiable, "issuer unavailable"
	}
}

// bearerToken reads one "Bearer <token>". Two headers are none: which of them
// was meant is not for us to guess.
func bearerToken(sent []string) (string, bool) {
	if len(sent) != 1 {
		return "", false
	}
	scheme, token, found := strings.Cut(sent[0], " ")
	return token, found && strings.EqualFold(scheme, "Bearer") && token != ""
}

// admit refuses by token and audience before anything else is looked at.
func (p *Pipeline) admit(ctx context.Context, a *attempt, next following) (any, error) {
	if refusal := access.Admit(a.entry.Rule, a.facts); refusal != nil {
		return nil, refusal
	}
	return next(ctx)
}

type allowedKey struct{}

// WithinAllowance says that a call of the public has its place already: the REST edge counts it before it reads
// the body, and gives it its place afterwards.
func WithinAllowance(ctx context.Context) context.Context {
	return context.WithValue(ctx, allowedKey{}, true)
}

// throttle keeps the public to its allowance, before anything of the request is looked at.
func (p *Pipeline) throttle(ctx context.Context, a *attempt, next following) (any, error) {
	if !slices.Contains(a.entry.Rule.GetAudiences(), accessv1.Audience_AUDIENCE_PUBLIC) || ctx.Value(allowedKey{}) != nil {
		return next(ctx)
	}
	leave, wait, ok := p.cfg.Public.Enter(a.call.Origin.ClientAddress)
	if !ok {
		return nil, access.RateLimited(wait)
	}
	defer leave()
	return next(ctx)
}

// validate checks the NHS number first, so that a wrong one has its own reason
// whatever else is wrong.
func (p *Pipeline) validate(ctx context.Context, a *attempt, next following) (any, error) {
	if field := a.entry.Rule.GetPatientField(); field != "" {
		request, ok := a.request.(proto.Message)
		if !ok {
			return nil, errors.New("the request is no message")
		}
		number, err := nhsnumber.Parse(a.entry.Patient(request))
		if err != nil {
			return nil, access.InvalidNHSNumber(field)
		}
		a.call.AskedNHSNumber, a.call.NHSNumber = number, number
		a.facts.NHSNumber = string(number)
	}
	if err := p.validator.Check(a.request); err != nil {
		return nil, err
	}
	return next(ctx)
}
