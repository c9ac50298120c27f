package service

import (
	"context"
	"errors"
	"fmt"
	"strings"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// deliverProceed goes on with a request: what the public form may not do itself, since its answer and its
// statements must not depend on the person, and what is left to do when a person has decided. It comes from the
// outbox, so that a crash at any step has it done later, and doing it twice does nothing.
func (c *core) deliverProceed(ctx context.Context, m outbox.Message) error {
	told := &optoutv1.GetOptOutRequest{}
	if err := proto.Unmarshal(m.Payload, told); err != nil {
		return outbox.Refuse("UNREADABLE", fmt.Errorf("decode message: %w", err))
	}
	id, err := uuid.Parse(told.GetId())
	if err != nil {
		return outbox.Refuse("UNREADABLE", fmt.Errorf("decode message: %w", err))
	}
	o, err := c.store.Get(ctx, nil, id)
	if errors.Is(err, store.ErrNotFound) {
		return outbox.Refuse("UNKNOWN", err)
	}
	if err != nil {
		return err
	}
	switch request.State(o.State) {
	case request.Received, request.NeedsMatching:
		return c.matchBySystem(ctx, o)
	case request.Ready:
		return c.finish(ctx, o)
	default:
		return nil // somebody decided meanwhile
	}
}

// matchBySystem compares what a request says with who is known. Only a sure match goes on; anything else waits
// for a privacy officer, with the outcome as the reason. A request that goes on from a reversed one is never
// matched again by what misled the first time.
func (c *core) matchBySystem(ctx context.Context, o store.OptOut) error {
	if !o.HasClaim || o.Renews != nil {
		return nil
	}
	found, err := c.meant(ctx, o.Claim, "")
	if err != nil {
		return err
	}
	number, reason := found.GetNhsNumber(), outcomeWord(found)
	if reason != "" {
		return c.leaveUnmatched(ctx, o.ID, reason)
	}
	protected, err := c.protected(ctx, optoutv1.Requester(o.Requester), o.BirthDate, number)
	if err != nil {
		return err
	}
	var way post.Way
	if c.factsOf(o).OwnOnline() {
		if way, err = c.reachable(ctx, o, number); err != nil {
			return err
		}
	}
	return c.bySystem(ctx, o.ID, "opt_out.match", "matched", func(t *task) (bool, error) {
		if s := request.State(t.o.State); s != request.Received && s != request.NeedsMatching {
			return false, nil
		}
		t.assign(number, protected)
		if err := t.step(ctx, request.Match, detail{}); err != nil {
			return false, err
		}
		return true, t.greet(ctx, way)
	})
}

// outcomeWord is why a match is not good enough to go on by itself, in a word; empty when it is.
func outcomeWord(found *identityv1.MatchPersonResponse) string {
	if found.GetOutcome() != identityv1.MatchOutcome_MATCH_OUTCOME_SURE {
		return strings.ToLower(strings.TrimPrefix(found.GetOutcome().String(), "MATCH_OUTCOME_"))
	}
	if found.GetDeceased() {
		return "deceased"
	}
	return ""
}

// leaveUnmatched puts a request into the privacy officer's queue.
func (c *core) leaveUnmatched(ctx context.Context, id uuid.UUID, reason string) error {
	return c.bySystem(ctx, id, "opt_out.no_match", "waits for a match", func(t *task) (bool, error) {
		if request.State(t.o.State) != request.Received {
			return false, nil // it is in the queue already
		}
		return true, t.step(ctx, request.NoMatch, detail{reason: reason})
	})
}

// finish makes a request effective that nobody is left to decide about: the person confirmed it, or a privacy
// officer signed it off.
func (c *core) finish(ctx context.Context, o store.OptOut) error {
	protected, err := c.protected(ctx, optoutv1.Requester(o.Requester), o.BirthDate, o.NHSNumber)
	if err != nil {
		return err
	}
	return c.bySystem(ctx, o.ID, "opt_out.make_effective", "made effective", func(t *task) (bool, error) {
		f := t.facts()
		if f.State != request.Ready || !f.Settled() || t.o.NHSNumber != o.NHSNumber {
			return false, nil
		}
		if waits, err := t.officerDecides(ctx); err != nil || waits {
			return false, err
		}
		if t.o.ProtectedChild = t.o.ProtectedChild || protected; len(request.Outstanding(t.facts())) > 0 {
			return true, t.step(ctx, request.Reconsider, detail{reason: "safeguarding"})
		}
		return true, t.effectuate(ctx, "")
	})
}

// bySystem changes a request as the system, with an audit event of its own, unless work finds nothing to do.
func (c *core) bySystem(ctx context.Context, id uuid.UUID, action, summary string, work func(*task) (bool, error)) error {
	var done *task
	err := c.store.InTx(ctx, func(tx *sqlx.Tx) error {
		t, err := c.take(ctx, tx, id, system())
		if err != nil {
			return err
		}
		changed, err := work(t)
		if err != nil || !changed {
			return err
		}
		if err := t.accountSystem(action, summary); err != nil {
			return err
		}
		done = t
		return t.save(ctx)
	})
	if err != nil {
		return err
	}
	committed(done)
	return nil
}
