package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// who takes a step: in what part, as which member of staff, and under which audit event.
type who struct {
	actor request.Actor
	staff store.Staff
	event uuid.UUID
}

// system is optout-svc itself.
func system() who { return who{actor: request.System} }

// whoOf is a caller of the gateway, in the part that the call is for.
func whoOf(actor request.Actor, ec *auditv1.EventContext) (who, error) {
	id, err := uuid.Parse(ec.GetEventId())
	if err != nil {
		return who{}, fmt.Errorf("read event id: %w", err)
	}
	a := ec.GetActor()
	w := who{actor: actor, event: id}
	if a.GetKind() == auditv1.ActorKind_ACTOR_KIND_STAFF {
		w.staff = store.Staff{ID: a.GetStaffId(), Display: a.GetDisplay(), RoleCode: a.GetRoleCode(), ODSCode: a.GetOdsCode()}
	}
	return w, nil
}

// detail is what a step is recorded with beside itself.
type detail struct {
	reason, note string
	related      *uuid.UUID
}

// task is one request being changed in one transaction. What happens to it is gathered and written by save,
// so that a step that is refused has written nothing.
type task struct {
	*core
	tx *sqlx.Tx
	by who
	at time.Time
	o  store.OptOut
	// fresh is true of a request that is not written yet.
	fresh bool
	// standing is the choice in force of the matched person, once locked.
	standing *choice.Standing

	// known is the evidence that was there before.
	known []store.Evidence

	steps    []store.Step
	evidence []store.Evidence
	messages []outbox.Message
	letters  []Occasion
}

// take locks a request for a change; OPT_OUT_NOT_FOUND when there is none.
func (c *core) take(ctx context.Context, tx *sqlx.Tx, id uuid.UUID, by who) (*task, error) {
	o, err := c.store.Lock(ctx, tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound()
	}
	if err != nil {
		return nil, err
	}
	known, err := c.store.Evidence(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return &task{core: c, tx: tx, by: by, at: c.moment(), o: o, known: known}, nil
}

// begin makes a new request, which its first step submits.
func (c *core) begin(tx *sqlx.Tx, o store.OptOut, by who) *task {
	o.EventID = by.event
	return &task{core: c, tx: tx, by: by, at: o.EnteredAt, o: o, fresh: true}
}

// facts are those of this moment.
func (t *task) facts() request.Facts {
	f := t.factsOf(t.o)
	if t.standing != nil {
		f.Sealed = t.standing.Sealed
		f.InForce = t.o.Number > 0 && t.o.Number == t.standing.Number
	}
	return f
}

// lockPerson locks the matched person and reads their choice in force, which steps towards an effect need.
func (t *task) lockPerson(ctx context.Context) error {
	if t.standing != nil || t.o.NHSNumber == "" {
		return nil
	}
	now, err := t.store.LockPerson(ctx, t.tx, t.o.NHSNumber)
	if err != nil {
		return err
	}
	t.standing = &now
	t.at = t.moment() // not before those whom the lock waited for
	return nil
}

// step takes a step, or says why it is not possible; its effect on the person's choice comes with it.
func (t *task) step(ctx context.Context, e request.Event, d detail) error {
	decided, err := request.Next(t.facts(), e, t.by.actor)
	if err != nil {
		return refused(err)
	}
	t.record(string(e), string(decided.To), d)
	switch decided.Effect {
	case request.NewOut, request.NewIn:
		return t.choose(ctx)
	case request.RestoreEarlier:
		return t.undo(ctx)
	case request.NoEffect:
	}
	return nil
}

// record adds to the history, and moves the request.
func (t *task) record(event, to string, d detail) {
	t.o.Steps++
	s := store.Step{
		OptOutID: t.o.ID, Number: t.o.Steps, At: t.at, Event: event, From: t.o.State, To: to, Actor: string(t.by.actor), Staff: t.by.staff,
		Reason: d.reason, Note: d.note, PolicyVersion: t.policy.Version(), RelatedID: d.related,
	}
	if t.by.event != uuid.Nil {
		s.EventID = &t.by.event
	}
	t.steps = append(t.steps, s)
	t.o.State = to
}

// save writes all that happened. Its last act is the failpoint of each step, just before the commit.
func (t *task) save(ctx context.Context) error {
	if t.fresh {
		if err := t.store.Insert(ctx, t.tx, t.o); err != nil {
			return err
		}
		if t.o.HasClaim {
			if err := t.store.InsertClaim(ctx, t.tx, t.o.ID, t.o.Claim); err != nil {
				return err
			}
		}
	}
	if err := t.store.Update(ctx, t.tx, t.o); err != nil {
		return err
	}
	if err := t.store.InsertSteps(ctx, t.tx, t.steps...); err != nil {
		return err
	}
	if err := t.store.InsertEvidence(ctx, t.tx, t.evidence...); err != nil {
		return err
	}
	for _, occasion := range t.letters {
		occasion.OptOut, occasion.At = t.o, t.at
		if err := t.core.letters.Write(ctx, t.tx, occasion); err != nil {
			return fmt.Errorf("write letter: %w", err)
		}
	}
	if err := outbox.Put(ctx, t.tx, t.messages...); err != nil {
		return fmt.Errorf("put messages: %w", err)
	}
	for _, s := range t.steps {
		failpoint.Hit("optout." + s.Event + ".before_commit")
	}
	return nil
}

// committed are the failpoints just after the commit of what these tasks did.
func committed(tasks ...*task) {
	for _, t := range tasks {
		if t == nil {
			continue
		}
		for _, s := range t.steps {
			failpoint.Hit("optout." + s.Event + ".after_commit")
		}
	}
}
