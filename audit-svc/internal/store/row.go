package store

import (
	"crypto/rand"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// NewRow encodes an event, draws its nonce and hashes both. The event was checked; now is to the microsecond.
func NewRow(e *auditv1.Event, now time.Time) (Row, error) {
	body, err := event.Encode(e)
	if err != nil {
		return Row{}, err
	}
	nonce := make([]byte, verify.NonceSize)
	_, _ = rand.Read(nonce) // never fails: documented
	leaf, err := verify.LeafHash(nonce, body)
	if err != nil {
		return Row{}, fmt.Errorf("hash event: %w", err)
	}
	c := event.ColumnsOf(e)
	return Row{
		ID: e.GetId(), OccurredAt: c.OccurredAt, StoredAt: now, Action: c.Action, Outcome: c.Outcome, Reason: c.Reason,
		NHSNumber: c.NHSNumber, StaffID: c.StaffID, ODSCode: c.ODSCode, RelationshipKind: c.RelationshipKind, Marks: c.Marks,
		Nonce: nonce, Body: body, Leaf: leaf[:],
	}, nil
}
