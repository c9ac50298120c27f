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

// tally counts refusals of callers that are not known. It never blocks.
type tally struct{ refused atomic.Int64 }

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

func (p *Pipeline) sumUp(ctx context.Context) {
	n := p.tally.refused.Swap(0)
	if n == 0 {
		return
	}
	id, err := newEventID()
	if err == nil {
		err = p.append(ctx, []*auditv1.Event{{
			Id:         id,
			OccurredAt: timestamppb.New(p.cfg.Now()),
			Action:     ActionUnauthenticated,
			Outcome:    auditv1.Outcome_OUTCOME_REFUSED,
			Reason:     access.ReasonUnauthenticated,
			Actor:      &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_UNKNOWN},
			Basis:      &auditv1.Basis{PolicyVersion: p.cfg.Policy.Version()},
			Marks:      []string{"count:" + strconv.FormatInt(n, 10)},
		}})
	}
	if err != nil {
		p.tally.refused.Add(n)
		p.cfg.Log.WarnContext(ctx, "refusals of unknown callers could not be written", "count", n, "cause", fault.Trail(err))
	}
}
