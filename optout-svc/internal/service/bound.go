package service

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/link"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// bindLinked makes the same choice for the numbers that are linked with the matched one (DESIGN section 6:
// later choices under either bind both). They were locked with it. A privacy officer who makes a choice of
// somebody effective has decided about a link that was undone.
func (t *task) bindLinked(ctx context.Context, sealed bool, _ store.Cause) error {
	if err := t.follow(ctx, link.Member{NHSNumber: t.o.NHSNumber, Standing: choice.Standing{Sealed: sealed}}); err != nil {
		return err
	}
	if t.by.actor != request.Officer {
		return nil
	}
	_, err := t.store.DecideUnlinked(ctx, t.tx, t.o.NHSNumber, t.at, t.by.staff.ID, "by a request: "+t.o.Reference)
	return err
}

// officerDecides tells whether a request to be open again must wait for a privacy officer: the person's number was
// parted from another, both were sealed, and nobody has decided yet.
func (t *task) officerDecides(ctx context.Context) (bool, error) {
	if t.o.Sealed {
		return false, nil
	}
	return t.store.Undecided(ctx, t.tx, t.o.NHSNumber)
}

// linkedFirst is the request that a person's choice followed, when it was made under a number that is linked with
// theirs; nil when it came of no request at all.
func (t *task) linkedFirst(ctx context.Context) (*uuid.UUID, error) {
	group, err := t.store.LockGroup(ctx, t.tx, t.o.NHSNumber)
	if err != nil {
		return nil, fmt.Errorf("find linked numbers: %w", err)
	}
	for _, m := range group {
		if m.Standing.Number == 0 {
			continue
		}
		inForce, err := t.store.ByNumber(ctx, t.tx, m.NHSNumber, m.Standing.Number)
		if err != nil {
			return nil, fmt.Errorf("find choice of linked number: %w", err)
		}
		if inForce.OptOutID != nil {
			return inForce.OptOutID, nil
		}
	}
	return nil, nil //nolint:nilnil // nobody was first
}

// follow has all who are linked with a person choose as they did, each as a choice of their own that came of no
// request. Each is an event of its own.
func (t *task) follow(ctx context.Context, chosen link.Member) error {
	group, err := t.store.LockGroup(ctx, t.tx, chosen.NHSNumber)
	if err != nil {
		return fmt.Errorf("find linked numbers: %w", err)
	}
	messages, err := t.bind(ctx, t.tx, link.Follow(chosen, group), binding{cause: store.CauseLink, action: "opt_out.link", summary: "follows a linked number"})
	t.messages = append(t.messages, messages...)
	return err
}
