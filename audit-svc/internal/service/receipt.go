package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// receiptSoon is when to ask again for a receipt: a checkpoint is signed about once a second.
const receiptSoon = time.Second

// errDisagree says that an event is not what the tree has of it. It is never handed out as proven.
var errDisagree = errors.New("an event and its leaf disagree: run audit-svc fsck")

// GetReceipt is an event and the proof that it is in the log.
func (l *Log) GetReceipt(ctx context.Context, req *auditv1.GetReceiptRequest) (*auditv1.GetReceiptResponse, error) {
	found, e, err := l.proven(ctx, req)
	if err != nil {
		return nil, err
	}
	if found.Index == nil {
		return nil, notReady()
	}
	if !bytes.Equal(found.Leaf, found.Stored) || verify.CheckLeaf(found.Nonce, found.Body, found.Leaf) != nil {
		return nil, fault.Internal(errDisagree)
	}
	c, err := l.covering(ctx, *found.Index)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, notReady()
	}
	file, err := l.receipt(ctx, found, c)
	if err != nil {
		return nil, err
	}
	return &auditv1.GetReceiptResponse{
		File: file, Event: e, LeafIndex: *found.Index, TreeSize: c.Size, Witnessed: c.Cosignatures != "",
	}, nil
}

// proven finds the event. One that the maker did not make looks as if it did not exist.
func (l *Log) proven(ctx context.Context, req *auditv1.GetReceiptRequest) (*store.Proven, *auditv1.Event, error) {
	none := fault.NotFound(ReasonNotFound, "there is no such event")
	if _, err := verify.Time(req.GetEventId()); err != nil {
		return nil, nil, none
	}
	found, err := l.cfg.Store.Proven(ctx, req.GetEventId())
	if err != nil {
		return nil, nil, err
	}
	if found == nil {
		return nil, nil, none
	}
	e, err := event.Decode(found.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("read stored event: %w", err)
	}
	m := req.GetMaker()
	if m != nil && (m.GetIssuer() != e.GetActor().GetIssuer() || m.GetSubject() != e.GetActor().GetSubject()) {
		return nil, nil, none
	}
	return found, e, nil
}

// covering is the largest checkpoint that a witness has cosigned, if the leaf is below it, else the largest;
// nil when no checkpoint covers the leaf yet.
func (l *Log) covering(ctx context.Context, index int64) (*store.Checkpoint, error) {
	for _, read := range []func(context.Context) (*store.Checkpoint, error){l.cfg.Store.Witnessed, l.cfg.Store.Largest} {
		c, err := read(ctx)
		if err != nil {
			return nil, err
		}
		if c != nil && index < c.Size {
			return c, nil
		}
	}
	return nil, nil //nolint:nilnil // absence is no error here
}

// receipt makes the file, and checks it: what does not verify does not leave.
func (l *Log) receipt(ctx context.Context, found *store.Proven, c *store.Checkpoint) ([]byte, error) {
	proof, _, err := l.tree.Inclusion(ctx, *found.Index, c.Size)
	if err != nil {
		return nil, fmt.Errorf("prove event: %w", err)
	}
	text, err := verify.ParseCheckpoint(c.Body)
	if err != nil {
		return nil, fmt.Errorf("read stored checkpoint: %w", err)
	}
	if err := verify.CheckInclusion(text, *found.Index, [verify.HashSize]byte(found.Leaf), proof); err != nil {
		return nil, fault.Internal(errDisagree)
	}
	r := verify.Receipt{Nonce: found.Nonce, Event: found.Body, Index: *found.Index, Proof: proof, Checkpoint: []byte(c.Note())}
	return r.Format(), nil
}

func notReady() error {
	return fault.Unavailable(ReasonNotReady, "the event is stored, and not yet under a signed checkpoint").After(receiptSoon)
}
