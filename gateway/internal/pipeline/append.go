package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const (
	// maxEvents of one append (audit_service.proto).
	maxEvents = 200
	// firstPause between tries doubles up to longestPause.
	firstPause   = 50 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// unaccounted says that events could not be written, or may not have been.
type unaccounted struct{ cause error }

// Error implements error.
func (u *unaccounted) Error() string { return fmt.Sprintf("append events: %v", u.cause) }

// Unwrap gives the cause.
func (u *unaccounted) Unwrap() error { return u.cause }

// append writes events and returns once they are durable. A try whose outcome
// is unknown is made again with the same ids, which audit-svc stores once. It
// goes on although the caller has gone: that they asked is an event even then.
func (p *Pipeline) append(ctx context.Context, events []*auditv1.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.cfg.AuditLimit)
	defer cancel()
	for part := range slices.Chunk(events, maxEvents) {
		if err := p.appendPart(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipeline) appendPart(ctx context.Context, events []*auditv1.Event) error {
	request := &auditv1.AppendRequest{Events: events}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := p.tryAppend(ctx, request)
		if err == nil || final(err) {
			return err
		}
		if wait(ctx, pause) != nil {
			return err
		}
	}
}

func (p *Pipeline) tryAppend(ctx context.Context, request *auditv1.AppendRequest) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.AuditTry)
	defer cancel()
	answer, err := p.audit.Append(ctx, request)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	// Only what is confirmed event by event is believed.
	if len(answer.GetLeaves()) != len(request.GetEvents()) {
		return errors.New("append: not every event was confirmed")
	}
	for i, leaf := range answer.GetLeaves() {
		if leaf.GetEventId() != request.GetEvents()[i].GetId() {
			return errors.New("append: another event was confirmed")
		}
	}
	return nil
}

// final tells whether asking again with the same events cannot help.
func final(err error) bool {
	switch fault.FromStatus(err).Kind {
	case fault.KindInvalid, fault.KindDenied, fault.KindUnauthenticated, fault.KindDuplicate, fault.KindPrecondition:
		return true
	default:
		return false
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
