package pipeline

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// ActionUnauthenticated names the event that sums up calls of nobody known.
// Its mark "count:<n>" says how many there were.
const ActionUnauthenticated = "authentication.refused"

// resendFor is how long a sum whose outcome is unknown is sent again under its own id: audit-svc refuses ids
// that are ten minutes old.
const resendFor = 8 * time.Minute

// tally counts refusals of callers that are not known. It never blocks, and it is the whole queue of such
// refusals: however many there are, they are one number here and one event a minute in the log, so that a
// flood of them stands in nobody's way.
type tally struct {
	refused atomic.Int64
	// sum is the event that could not be confirmed, since its outcome may be that it was stored: sent again
	// with the same id, it is counted once. Only Run touches it.
	sum *auditv1.Event
}

func (t *tally) add() { t.refused.Add(1) }

// Run writes one event for the refusals of each minute, and once more when ctx
// ends, and returns then. What could not be written stays counted.
func (p *Pipeline) Run(ctx context.Context) {
	ticks := time.NewTicker(p.cfg.TallyEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			p.sumUp(ctx)
		case <-ctx.Done():
			p.sumUp(context.WithoutCancel(ctx))
			return
		}
	}
}

// sumUp writes the sum that waits, and then that of what was refused since.
func (p *Pipeline) sumUp(ctx context.Context) {
	if !p.writeSum(ctx) {
		return
	}
	n := p.tally.refused.Swap(0)
	if n == 0 {
		return
	}
	id, err := newEventID()
	if err != nil {
		p.tally.refused.Add(n)
		return
	}
	p.tally.sum = p.sum(id, n)
	p.writeSum(ctx)
}

// writeSum writes the sum that waits; false when it still does.
func (p *Pipeline) writeSum(ctx context.Context) bool {
	e := p.tally.sum
	if e == nil {
		return true
	}
	err := p.append(ctx, []*auditv1.Event{e})
	if err == nil {
		p.tally.sum = nil
		return true
	}
	p.cfg.Log.WarnContext(ctx, "refusals of unknown callers could not be written", "marks", e.GetMarks(), "cause", fault.Trail(err))
	if p.cfg.Now().Sub(e.GetOccurredAt().AsTime()) > resendFor {
		p.renew(e)
	}
	return false
}

// renew gives a sum that waited too long a new id. Should the first one have been stored after all, these
// refusals stand in the log twice: too many is better than too few.
func (p *Pipeline) renew(e *auditv1.Event) {
	id, err := newEventID()
	if err != nil {
		return
	}
	e.Id, e.OccurredAt = id, timestamppb.New(p.cfg.Now())
}

// sum is the event that says how many were refused.
func (p *Pipeline) sum(id string, n int64) *auditv1.Event {
	return &auditv1.Event{
		Id:         id,
		OccurredAt: timestamppb.New(p.cfg.Now()),
		Action:     ActionUnauthenticated,
		Outcome:    auditv1.Outcome_OUTCOME_REFUSED,
		Reason:     access.ReasonUnauthenticated,
		Actor:      &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_UNKNOWN},
		Basis:      &auditv1.Basis{PolicyVersion: p.cfg.Policy.Version()},
		Marks:      []string{"count:" + strconv.FormatInt(n, 10)},
	}
}
