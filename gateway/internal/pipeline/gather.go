package pipeline

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// gather reads the facts, each question once and side by side, after the call
// arrived. Nothing is kept for the next call, and calls that ask the same at the
// same moment each ask for themselves: a kept fact could be a revoked one. One
// fact that cannot be had refuses the call.
func (p *Pipeline) gather(ctx context.Context, a *attempt, next following) (any, error) {
	if access.NoToken(a.entry.Rule) {
		a.facts.Now = p.cfg.Now()
		return next(ctx)
	}
	if err := p.readFacts(ctx, a); err != nil {
		return nil, access.FactsUnavailable().Because(err)
	}
	a.facts.Now = p.cfg.Now()
	a.call.Staff, a.call.Patient = a.facts.Staff, a.facts.Patient
	a.call.Organisation = a.facts.Staff.GetOrganisation()
	if a.facts.Audience == accessv1.Audience_AUDIENCE_SYSTEM {
		a.call.Organisation = a.facts.System.GetOrganisation()
	}
	return next(ctx)
}

func (p *Pipeline) readFacts(ctx context.Context, a *attempt) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.FactsLimit)
	defer cancel()
	group, sideBySide := errgroup.WithContext(ctx)
	group.Go(func() error { return p.readCaller(sideBySide, a) })
	if needsChoice(a) {
		group.Go(func() error {
			choice, err := p.readChoice(sideBySide, a.facts.NHSNumber)
			a.facts.Choice = choice
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return p.followMerge(ctx, a)
}

// needsChoice: where an opt-out refuses, where a relationship shows more than
// anybody may learn, which an opt-out takes away, and where access is explained.
// The others are not told, so that nothing can come of it.
func needsChoice(a *attempt) bool {
	widens := a.entry.Rule.GetRelationship() == accessv1.RelationshipCheck_RELATIONSHIP_CHECK_WIDENS
	return a.entry.Rule.GetOptOutApplies() || widens || explained(a.method) != ""
}

// explained is the method whose decision a method explains; empty for others.
func explained(method string) string {
	if method == gatewayv1.PatientService_ExplainAccess_FullMethodName {
		return gatewayv1.RecordService_GetRecord_FullMethodName
	}
	return ""
}

func (p *Pipeline) readCaller(ctx context.Context, a *attempt) error {
	who := a.call.Caller
	switch a.facts.Audience {
	case accessv1.Audience_AUDIENCE_STAFF:
		facts, err := p.facts.GetStaffFacts(ctx, &identityv1.GetStaffFactsRequest{
			Issuer: who.Issuer, Subject: who.Subject, RoleCode: who.RoleCode, OdsCode: who.ODSCode, NhsNumber: a.facts.NHSNumber,
		})
		if err != nil {
			return fmt.Errorf("read staff facts: %w", err)
		}
		a.facts.Staff = facts.GetStaff()
		if a.facts.NHSNumber != "" {
			a.facts.Patient, a.facts.Relationships = facts.GetPatient(), facts.GetRelationships()
		}
		return nil
	case accessv1.Audience_AUDIENCE_SYSTEM:
		facts, err := p.facts.GetSystemFacts(ctx, &identityv1.GetSystemFactsRequest{Issuer: who.Issuer, ClientId: who.ClientID})
		if err != nil {
			return fmt.Errorf("read system facts: %w", err)
		}
		// A client of one issuer must not pass for that of another: an issuer
		// speaks for its own organisations only.
		if p.cfg.Tokens.MaySpeakFor(who.Issuer, facts.GetOrganisation().GetOdsCode()) {
			a.facts.System = facts
		}
		return nil
	default:
		return errors.New("no facts are kept about such a caller")
	}
}

func (p *Pipeline) readChoice(ctx context.Context, number string) (*access.Choice, error) {
	choice, err := p.choices.GetChoice(ctx, &optoutv1.GetChoiceRequest{NhsNumber: number})
	if err != nil {
		return nil, fmt.Errorf("read choice: %w", err)
	}
	return &access.Choice{Number: choice.GetChoiceNumber(), Sealed: choice.GetSealed()}, nil
}

// followMerge goes on with the number in force when the one asked for was
// superseded. A choice under either number binds: the stricter one counts, and
// the number of the choice is that of the number in force, which record-svc has.
func (p *Pipeline) followMerge(ctx context.Context, a *attempt) error {
	inForce := a.facts.Patient.GetNhsNumber()
	if inForce == "" || inForce == a.facts.NHSNumber {
		return nil
	}
	number, err := nhsnumber.Parse(inForce)
	if err != nil {
		return fmt.Errorf("read number in force: %w", err)
	}
	a.call.NHSNumber = number
	if a.facts.Choice == nil {
		return nil
	}
	choice, err := p.readChoice(ctx, inForce)
	if err != nil {
		return err
	}
	choice.Sealed = choice.Sealed || a.facts.Choice.Sealed
	a.facts.Choice = choice
	return nil
}
