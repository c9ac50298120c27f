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
	return Row{
		ID: e.GetId(), OccurredAt: e.GetOccurredAt().AsTime(), StoredAt: now,
		Action: e.GetAction(), Outcome: int32(e.GetOutcome()), Reason: e.GetReason(),
		NHSNumber: e.GetNhsNumber(), StaffID: e.GetActor().GetStaffId(), ODSCode: e.GetActor().GetOdsCode(),
		RelationshipKind: e.GetBasis().GetRelationshipKind(), Marks: e.GetMarks(),
		Nonce: nonce, Body: body, Leaf: leaf[:],
	}, nil
}
