package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// matchSuffix makes the action of an event about one of several people shown.
const matchSuffix = ".match"

// account lets nothing leave that is not in the audit log: an answer, and the
// reason of a refusal. When the log cannot be written, both are dropped here
// and the caller learns that alone.
func (p *Pipeline) account(ctx context.Context, a *attempt, next following) (any, error) {
	answer, err := next(ctx)
	if err == nil {
		err = p.accountAnswer(ctx, a, answer)
		if err == nil {
			return answer, nil
		}
		var unwritten *unaccounted
		if errors.As(err, &unwritten) {
			return nil, access.AuditUnavailable().Because(err)
		}
	}
	if failed := p.accountRefusal(ctx, a, err); failed != nil {
		return nil, access.AuditUnavailable().Because(failed)
	}
	return nil, err
}

// accountAnswer writes the events of a permitted call that succeeded. It fails
// with unaccounted when they could not be written, and otherwise when the
// answer must not leave.
func (p *Pipeline) accountAnswer(ctx context.Context, a *attempt, answer any) error {
	switch a.entry.Rule.GetAccountedBy() {
	case accessv1.Accounting_ACCOUNTING_NONE:
		return nil
	case accessv1.Accounting_ACCOUNTING_SERVICE:
		// The service wrote it, in the transaction of the change.
		if err := p.write(ctx, a, nil); err != nil {
			return &unaccounted{err}
		}
		setHeader(ctx, HeaderEventID, a.call.EventID)
		return nil
	case accessv1.Accounting_ACCOUNTING_GATEWAY:
		events, err := a.released(answer)
		if err != nil {
			return err
		}
		if err := p.write(ctx, a, events); err != nil {
			return &unaccounted{err}
		}
		setHeader(ctx, HeaderEventID, a.call.EventID)
		return nil
	default:
		return errNoRule
	}
}

// accountRefusal writes the event of a call that was refused or failed. Calls
// of nobody known are counted and summed up instead, or anybody could fill the
// log and, by its commits, slow everybody down.
func (p *Pipeline) accountRefusal(ctx context.Context, a *attempt, cause error) error {
	switch {
	case a.facts.Token != access.TokenAccepted && a.entry.Rule.GetAccountedBy() != accessv1.Accounting_ACCOUNTING_NONE,
		a.facts.Token == access.TokenRefused, a.facts.Token == access.TokenUnverifiable:
		p.tally.add()
		return nil
	case a.entry.Rule.GetAccountedBy() == accessv1.Accounting_ACCOUNTING_NONE:
		return nil
	}
	id := a.call.EventID
	if a.permitted && a.entry.Rule.GetAccountedBy() == accessv1.Accounting_ACCOUNTING_SERVICE {
		// The id of the attempt is the service's to use: the change may have
		// been made although its answer was lost.
		var err error
		if id, err = newEventID(); err != nil {
			return err
		}
	}
	event := a.call.event(id, a.call.Action)
	event.Outcome, event.Reason = outcomeOf(cause, a.permitted), fault.ReasonOf(cause)
	if err := p.write(ctx, a, []*auditv1.Event{event}); err != nil {
		return err
	}
	setHeader(ctx, HeaderEventID, id)
	return nil
}

// outcomeOf tells a refusal from a failure: only what was permitted can fail.
func outcomeOf(cause error, permitted bool) auditv1.Outcome {
	if !permitted {
		return auditv1.Outcome_OUTCOME_REFUSED
	}
	switch fault.FromStatus(fault.Status(cause).Err()).Kind {
	case fault.KindInternal, fault.KindUnavailable, fault.KindTimeout, fault.KindCanceled, fault.KindExhausted:
		return auditv1.Outcome_OUTCOME_FAILED
	default:
		return auditv1.Outcome_OUTCOME_REFUSED
	}
}

// released are the events of an answer: one for the attempt, and one for each
// person whom a list shows.
func (a *attempt) released(answer any) ([]*auditv1.Event, error) {
	message, ok := answer.(proto.Message)
	if !ok {
		return nil, errors.New("the answer is no message")
	}
	disclosure, matches := a.call.told()
	if err := a.checkRelease(disclosure); err != nil {
		return nil, err
	}
	if disclosure == nil {
		disclosure = &auditv1.Disclosure{}
	}
	var err error
	if disclosure.Sha256, err = a.hash(message); err != nil {
		return nil, err
	}
	event := a.call.event(a.call.EventID, a.call.Action)
	event.Outcome, event.Disclosure = auditv1.Outcome_OUTCOME_RELEASED, disclosure
	events := []*auditv1.Event{event}
	for _, number := range matches {
		id, err := newEventID()
		if err != nil {
			return nil, err
		}
		match := a.call.event(id, a.call.Action+matchSuffix)
		match.NhsNumber, match.Outcome = number, auditv1.Outcome_OUTCOME_RELEASED
		match.Disclosure = &auditv1.Disclosure{Entries: 1, Sha256: disclosure.GetSha256()}
		events = append(events, match)
	}
	return events, nil
}

// checkRelease refuses a view of a record that does not say what it shows, or
// that says it shows more than the decision permits.
func (a *attempt) checkRelease(d *auditv1.Disclosure) error {
	if d == nil {
		if a.entry.Rule.GetOptOutApplies() {
			return errors.New("a view of a record does not say what it releases")
		}
		return nil
	}
	for _, shown := range d.GetSections() {
		permitted := slices.ContainsFunc(a.call.Decision.Sections, func(g *accessv1.SectionGrant) bool {
			return g.GetSection() == shown.GetSection() && shown.GetLevel() <= g.GetLevel()
		})
		if a.entry.Rule.GetOptOutApplies() && !permitted {
			return errors.New("a view of a record releases a section that is not permitted")
		}
	}
	return nil
}

// hash of the bytes as sent where an answer is bytes, else of its
// deterministic encoding (event.proto, Disclosure.sha256).
func (a *attempt) hash(answer proto.Message) ([]byte, error) {
	body, ready := a.entry.Body(answer)
	if !ready {
		var err error
		if body, err = (proto.MarshalOptions{Deterministic: true}).Marshal(answer); err != nil {
			return nil, fmt.Errorf("encode answer: %w", err)
		}
	}
	sum := sha256.Sum256(body)
	return sum[:], nil
}

// event is what every event of the call says.
func (c *Call) event(id, action string) *auditv1.Event {
	return &auditv1.Event{
		Id:         id,
		OccurredAt: timestamppb.New(c.OccurredAt),
		Action:     action,
		Actor:      c.actor(),
		NhsNumber:  c.person(),
		Basis:      c.basis(),
		Origin:     c.origin(),
		Marks:      slices.Clone(c.Decision.Marks),

		Query:          c.query(),
		AskedNhsNumber: c.askedNumber(),
	}
}
