// Package service answers audit-svc's RPCs: one file for each gRPC service.
package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/rpc"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// ReasonConflict is the reason of an event whose id is stored with other content.
const ReasonConflict = "EVENT_CONFLICT"

// Appender stores rows durably, all of them or none.
type Appender interface {
	Append(ctx context.Context, rows []store.Row) (store.Result, error)
}

// AppendConfig is what an Append needs.
type AppendConfig struct {
	Appender Appender
	// OutboxCallers are the certificate names that deliver events from an outbox, and so may be late.
	OutboxCallers []string
	// Now is the clock.
	Now func() time.Time
}

// Append implements AppendService.
type Append struct {
	auditv1.UnimplementedAppendServiceServer
	cfg AppendConfig
}

// NewAppend makes an Append.
func NewAppend(cfg AppendConfig) (*Append, error) {
	if cfg.Appender == nil || cfg.Now == nil {
		return nil, errors.New("make append service: Appender and Now are needed")
	}
	return &Append{cfg: cfg}, nil
}

// Append stores the events of a request durably, or none. See the proto for errors.
func (a *Append) Append(ctx context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	rows, err := a.rows(req.GetEvents(), a.delivery(ctx))
	if err != nil {
		return nil, err
	}
	failpoint.Hit("audit.append.received")
	result, err := a.cfg.Appender.Append(ctx, rows)
	failpoint.Hit("audit.append.before_answer")
	if err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	if result.Conflict {
		return nil, fault.Conflict(ReasonConflict, "An event with this id is stored with other content.")
	}
	resp := &auditv1.AppendResponse{Leaves: make([]*auditv1.Leaf, len(result.Leaves))}
	for i, l := range result.Leaves {
		resp.Leaves[i] = &auditv1.Leaf{EventId: l.ID, Hash: l.Hash, StoredAt: timestamppb.New(l.StoredAt)}
	}
	return resp, nil
}

// delivery tells outboxes from those who append before they answer.
func (a *Append) delivery(ctx context.Context) event.Delivery {
	if slices.Contains(a.cfg.OutboxCallers, rpc.Caller(ctx)) {
		return event.FromOutbox
	}
	return event.Direct
}

// rows checks the events and makes rows of them.
func (a *Append) rows(events []*auditv1.Event, how event.Delivery) ([]store.Row, error) {
	now := a.cfg.Now().UTC().Truncate(time.Microsecond)
	rows := make([]store.Row, 0, len(events))
	seen := make(map[string]bool, len(events))
	for i, e := range events {
		if p := event.Check(e, how, now); p != nil {
			return nil, p.Fault(i)
		}
		if seen[e.GetId()] {
			return nil, (&event.Problem{Field: "id", Text: "must not be given twice"}).Fault(i)
		}
		seen[e.GetId()] = true
		row, err := store.NewRow(e, now)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}
