package witness

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// longestPause between two attempts with a witness that is away or refuses.
const longestPause = time.Minute

// tell counts an attempt and says what changed. Refusals are errors whatever their cause: either the log
// was tampered with, or it is configured as if it had been.
func (p *Pusher) tell(ctx context.Context, w *peer, err error) {
	if ctx.Err() != nil {
		return
	}
	state := stateOf(err)
	p.metrics.attempts.Add(ctx, 1, by(w), metric.WithAttributes(resultKey.String(state)))
	w.pause = 0
	if err != nil {
		w.pause = min(max(2*w.pause, p.cfg.Every), longestPause)
	}
	if state == w.state {
		return
	}
	w.state = state
	switch state {
	case "ok":
		p.cfg.Diary.InfoContext(ctx, "the witness follows", "witness", w.Signer)
	case "refused":
		p.cfg.Diary.ErrorContext(ctx, "a witness refuses the log's checkpoint: unless its settings are wrong, the log was "+
			"set back or rewritten; nobody outside believes it now", "witness", w.Signer, "cause", fault.Trail(err))
	default:
		p.cfg.Diary.WarnContext(ctx, "a checkpoint could not be witnessed; it is tried again", "witness", w.Signer,
			"result", state, "cause", fault.Trail(err))
	}
}

func stateOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, errRefused):
		return "refused"
	case errors.Is(err, errAnswer):
		return "no_witness"
	default:
		return "unreachable"
	}
}
