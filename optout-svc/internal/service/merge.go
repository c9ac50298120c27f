package service

import (
	"context"
	"errors"
	"fmt"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/link"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Reasons of refusals about links.
const (
	ReasonSameNumber = "SAME_NUMBER"
	ReasonLinkReused = "LINK_REUSED"
)

// linking implements LinkService. What a link does is decided in package link.
type linking struct {
	optoutv1.UnimplementedLinkServiceServer
	*core
}

// asksLink is what both requests say.
type asksLink interface {
	GetLinkId() string
	GetNhsNumber() string
	GetOtherNhsNumber() string
	GetActor() *auditv1.Actor
}

// LinkNumbers links two numbers and seals both when either is out.
func (l *linking) LinkNumbers(ctx context.Context, req *optoutv1.LinkNumbersRequest) (*optoutv1.LinkNumbersResponse, error) {
	err := l.linked(ctx, req, func(tx *sqlx.Tx, kept store.Link) error {
		if _, changed := kept.State().Link(); !changed {
			return nil
		}
		at := l.moment()
		kept.LinkedAt = &at
		if err := l.store.PutLink(ctx, tx, kept); err != nil {
			return err
		}
		group, err := l.store.LockGroup(ctx, tx, kept.NHSNumber)
		if err != nil {
			return err
		}
		return l.bindAndPut(ctx, tx, link.Join(group), binding{
			cause: store.CauseLink, actor: req.GetActor(), action: "opt_out.link", summary: "sealed with a linked number",
		})
	})
	if err != nil {
		return nil, err
	}
	inEffect, err := l.inEffect(ctx, req.GetNhsNumber(), req.GetOtherNhsNumber())
	if err != nil {
		return nil, err
	}
	now, err := l.store.InForce(ctx, req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	return &optoutv1.LinkNumbersResponse{Sealed: now.Sealed, InEffect: inEffect}, nil
}

// UnlinkNumbers parts two numbers and seals both, and all who are still linked with either.
func (l *linking) UnlinkNumbers(ctx context.Context, req *optoutv1.UnlinkNumbersRequest) (*optoutv1.UnlinkNumbersResponse, error) {
	err := l.linked(ctx, req, func(tx *sqlx.Tx, kept store.Link) error {
		if _, changed := kept.State().Unlink(); !changed {
			return nil
		}
		at := l.moment()
		kept.UnlinkedAt = &at
		if err := l.store.PutLink(ctx, tx, kept); err != nil {
			return err
		}
		for _, number := range []string{kept.NHSNumber, kept.Other} {
			group, err := l.store.LockGroup(ctx, tx, number)
			if err != nil {
				return err
			}
			if err := l.bindAndPut(ctx, tx, link.Seal(group), binding{
				cause: store.CauseUnlink, actor: req.GetActor(), action: "opt_out.unlink", summary: "sealed until decided",
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	inEffect, err := l.inEffect(ctx, req.GetNhsNumber(), req.GetOtherNhsNumber())
	if err != nil {
		return nil, err
	}
	return &optoutv1.UnlinkNumbersResponse{InEffect: inEffect}, nil
}

// linked runs work on a link, alone among all changes of links.
func (l *linking) linked(ctx context.Context, req asksLink, work func(*sqlx.Tx, store.Link) error) error {
	asked, err := linkOf(req)
	if err != nil {
		return err
	}
	return l.store.InTx(ctx, func(tx *sqlx.Tx) error {
		kept, err := l.store.TakeLink(ctx, tx, asked.ID)
		if errors.Is(err, store.ErrNotFound) {
			return work(tx, asked)
		}
		if err != nil {
			return err
		}
		if kept.NHSNumber != asked.NHSNumber || kept.Other != asked.Other {
			return fault.Conflict(ReasonLinkReused, "This link is one of other numbers.")
		}
		return work(tx, kept)
	})
}

// linkOf reads which link is meant. Which of both numbers is named first does not count.
func linkOf(req asksLink) (store.Link, error) {
	id, err := uuid.Parse(req.GetLinkId())
	if err != nil {
		return store.Link{}, invalid("link_id", "must be a UUID")
	}
	if err := errors.Join(checkNumber(req.GetNhsNumber()), checkNumber(req.GetOtherNhsNumber())); err != nil {
		return store.Link{}, fault.Invalid(ReasonNHSNumber, "nhs_number", "must be valid NHS numbers of ten digits")
	}
	if req.GetActor().GetKind() == auditv1.ActorKind_ACTOR_KIND_UNSPECIFIED {
		return store.Link{}, invalid("actor", "must say who asked for it")
	}
	l := store.Link{ID: id, NHSNumber: req.GetNhsNumber(), Other: req.GetOtherNhsNumber()}
	switch {
	case l.NHSNumber == l.Other:
		return store.Link{}, fault.Invalid(ReasonSameNumber, "other_nhs_number", "must be another number")
	case l.NHSNumber > l.Other:
		l.NHSNumber, l.Other = l.Other, l.NHSNumber
	}
	return l, nil
}

// binding is why people choose who did not ask to.
type binding struct {
	cause           store.Cause
	action, summary string
	// actor who is behind it; the system when nil.
	actor *auditv1.Actor
}

// bind writes the next choices of people who were locked, and gives an event of each.
func (c *core) bind(ctx context.Context, tx *sqlx.Tx, next []link.Member, b binding) ([]outbox.Message, error) {
	var messages []outbox.Message
	for _, m := range next {
		if err := c.enact(ctx, tx, m.NHSNumber, m.Standing, nil, b.cause); err != nil {
			return nil, err
		}
		id, err := c.newID()
		if err != nil {
			return nil, fmt.Errorf("make event id: %w", err)
		}
		e := systemEvent(id, b.action, c.moment())
		if b.actor != nil {
			e.Actor, e.Basis = b.actor, &auditv1.Basis{Purpose: "administration"}
		}
		e.NhsNumber = m.NHSNumber
		// It came of no request, so the event stands for itself.
		e.Change = &auditv1.Change{Resource: resource, Id: id.String(), Summary: fmt.Sprintf("%s as choice %d", b.summary, m.Standing.Number)}
		message, err := accounting.Message(e)
		if err != nil {
			return nil, err
		}
		messages = append(messages, message)
	}
	return messages, nil
}

func (c *core) bindAndPut(ctx context.Context, tx *sqlx.Tx, next []link.Member, b binding) error {
	messages, err := c.bind(ctx, tx, next, b)
	if err != nil {
		return err
	}
	if err := outbox.Put(ctx, tx, messages...); err != nil {
		return fmt.Errorf("put messages: %w", err)
	}
	return nil
}

// inEffect waits for record-svc for a while, and tells whether it has confirmed the choices in force.
func (c *core) inEffect(ctx context.Context, numbers ...string) (bool, error) {
	seals, err := c.store.Unsealed(ctx, numbers...)
	if err != nil || len(seals) == 0 {
		return err == nil, err
	}
	c.outbox.Wake()
	sealing, cancel := context.WithTimeout(ctx, sealWait)
	defer cancel()
	_ = c.outbox.Flush(sealing, seals...) // the outbox logs what went wrong, and goes on
	seals, err = c.store.Unsealed(ctx, numbers...)
	return len(seals) == 0, err
}
