package service

import (
	"context"
	"fmt"
	"strings"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/link"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// ReasonNothingToDecide refuses a decision about somebody of whom none is open.
const ReasonNothingToDecide = "NOTHING_TO_DECIDE"

// unlinkReview implements UnlinkReviewService.
type unlinkReview struct {
	optoutv1.UnimplementedUnlinkReviewServiceServer
	*core
}

// ListUnlinkedPeople returns a page of people about whom nothing is decided.
func (u *unlinkReview) ListUnlinkedPeople(ctx context.Context, req *optoutv1.ListUnlinkedPeopleRequest) (*optoutv1.ListUnlinkedPeopleResponse, error) {
	number, id, err := pairPlace(req.GetAfter())
	if err != nil {
		return nil, err
	}
	size := sizeOr(req.GetPageSize(), defaultPage)
	found, err := u.store.UnlinkedPeople(ctx, number, id, size+1)
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.ListUnlinkedPeopleResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfter = pairAfter(found[size-1].NHSNumber, found[size-1].LinkID)
	}
	for _, p := range found {
		resp.People = append(resp.People, &optoutv1.UnlinkedPerson{
			NhsNumber: p.NHSNumber, OtherNhsNumber: p.Other, LinkId: p.LinkID.String(), UnlinkedAt: stamp(p.UnlinkedAt),
		})
	}
	return resp, nil
}

// DecideUnlinkedPerson decides what becomes of somebody whose numbers were parted.
func (u *unlinkReview) DecideUnlinkedPerson(ctx context.Context, req *optoutv1.DecideUnlinkedPersonRequest) (*optoutv1.DecideUnlinkedPersonResponse, error) {
	if err := checkNumber(req.GetNhsNumber()); err != nil {
		return nil, err
	}
	note, err := claim.Line(req.GetNote(), maxNote)
	if err != nil {
		return nil, invalid("note", err.Error())
	}
	answer, err := officerOnce(ctx, u.core, req, func(tx *sqlx.Tx) (*optoutv1.DecideUnlinkedPersonResponse, accounting.Change, error) {
		now, err := u.decideUnlinked(ctx, tx, req, note)
		summary := "stays sealed"
		if !now.Sealed {
			summary = fmt.Sprintf("opened as choice %d", now.Number)
		}
		return &optoutv1.DecideUnlinkedPersonResponse{ChoiceNumber: now.Number, Sealed: now.Sealed},
			accounting.Change{Resource: resource, ID: req.GetEvent().GetEventId(), Summary: summary, NHSNumber: req.GetNhsNumber()}, err
	})
	if err != nil {
		return nil, err
	}
	_, err = u.inEffect(ctx, req.GetNhsNumber())
	return answer, err
}

// decideUnlinked notes the decision and, where it opens a record, makes a choice of it that binds whoever is
// still linked with the person.
func (u *unlinkReview) decideUnlinked(ctx context.Context, tx *sqlx.Tx, req *optoutv1.DecideUnlinkedPersonRequest, note string) (choice.Standing, error) {
	group, err := u.store.LockGroup(ctx, tx, req.GetNhsNumber())
	if err != nil {
		return choice.Standing{}, err
	}
	open, err := u.store.DecideUnlinked(ctx, tx, req.GetNhsNumber(), u.moment(), req.GetEvent().GetActor().GetStaffId(), note)
	if err != nil {
		return choice.Standing{}, err
	}
	if !open {
		return choice.Standing{}, fault.Precondition(ReasonNothingToDecide, "Nothing about this person is left to decide.")
	}
	own := member(group, req.GetNhsNumber())
	if req.GetSealed() == own.Standing.Sealed {
		return own.Standing, nil
	}
	chosen := link.Member{NHSNumber: own.NHSNumber, Standing: choice.Standing{Number: own.Standing.Number + 1, Sealed: req.GetSealed()}}
	if err := u.enact(ctx, tx, chosen.NHSNumber, chosen.Standing, nil, store.CauseUnlink); err != nil {
		return choice.Standing{}, err
	}
	return chosen.Standing, u.bindAndPut(ctx, tx, link.Follow(chosen, group), binding{
		cause: store.CauseLink, actor: req.GetEvent().GetActor(), action: "opt_out.link", summary: "follows a linked number",
	})
}

// member of a group with that number.
func member(group []link.Member, nhsNumber string) link.Member {
	for _, m := range group {
		if m.NHSNumber == nhsNumber {
			return m
		}
	}
	return link.Member{NHSNumber: nhsNumber}
}

// officerOnce makes a privacy officer's decision that is about no single request, once, and answers when audit-svc
// has its event.
func officerOnce[A proto.Message](ctx context.Context, c *core, req accounting.Mutation, work func(*sqlx.Tx) (A, accounting.Change, error)) (A, error) {
	var none A
	if err := checkStaff(req.GetEvent(), c.now()); err != nil {
		return none, err
	}
	key, err := accounting.Key(ctx, req)
	if err != nil {
		return none, err
	}
	var outcome idempotency.Outcome[A]
	err = c.store.InTx(ctx, func(tx *sqlx.Tx) error {
		outcome, err = idempotency.Once(ctx, tx, key, accounting.Same(req), func() (idempotency.Outcome[A], error) {
			answer, did, err := work(tx)
			if err != nil {
				return idempotency.Outcome[A]{}, err
			}
			event, err := accounting.Message(accounting.Complete(req.GetEvent(), did, c.moment()))
			if err != nil {
				return idempotency.Outcome[A]{}, err
			}
			return idempotency.Outcome[A]{Answer: answer, Deliver: []uuid.UUID{event.ID}}, outbox.Put(ctx, tx, event)
		})
		return err
	})
	if err != nil {
		return none, err
	}
	c.outbox.Wake()
	if err := c.outbox.Flush(ctx, outcome.Deliver...); err != nil {
		return none, accounting.Unaccounted(err)
	}
	return outcome.Answer, nil
}

// pairAfter and pairPlace write and read where a page ended that is ordered by a number and an id.
func pairAfter(nhsNumber string, id uuid.UUID) string { return nhsNumber + "/" + id.String() }

func pairPlace(text string) (string, uuid.UUID, error) {
	if text == "" {
		return "", uuid.Nil, nil
	}
	number, rest, _ := strings.Cut(text, "/")
	id, err := uuid.Parse(rest)
	if err != nil || checkNumber(number) != nil {
		return "", uuid.Nil, fault.Invalid(ReasonPageToken, "after", "must be where an earlier page ended")
	}
	return number, id, nil
}
