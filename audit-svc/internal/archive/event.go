package archive

import (
	"encoding/hex"
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// MaintainEvent is the event of a run of maintenance: the partitions that it made, and the cases that it settled.
func MaintainEvent(made []string, settled int64, now time.Time) (store.Row, error) {
	return ownEvent(&auditv1.Event{
		Action: "log.maintain",
		Change: &auditv1.Change{Resource: "log", Id: "partitions", Summary: fmt.Sprintf("made %d partitions %v, settled %d cases", len(made), made, settled)},
	}, now)
}

// dropEvent is the event of a deletion.
func dropEvent(v *Verified, now time.Time) (store.Row, error) {
	return ownEvent(&auditv1.Event{
		Action: event.DropMonth,
		Change: &auditv1.Change{Resource: event.MonthResource, Id: v.Month.String(), Summary: event.DropSummary(v.Manifest.Events, hex.EncodeToString(v.Digest))},
	}, now)
}

// ownEvent completes an event of a command that an operator ran as the schema's owner. Who that was the database does
// not know: several people hold that role's secret.
func ownEvent(e *auditv1.Event, now time.Time) (store.Row, error) {
	now = now.UTC().Truncate(time.Microsecond)
	id, err := uuid.NewRandom()
	if err != nil {
		return store.Row{}, fmt.Errorf("make event id: %w", err)
	}
	e.Id = verify.FirstID(now)[:14] + "7" + id.String()[15:]
	e.OccurredAt, e.Outcome = timestamppb.New(now), auditv1.Outcome_OUTCOME_CHANGED
	e.Actor = &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "audit-svc"}
	e.Basis = &auditv1.Basis{Purpose: "administration"}
	if problem := event.Check(e, event.Direct, now); problem != nil {
		return store.Row{}, fmt.Errorf("event of the command: %w", problem)
	}
	return store.NewRow(e, now)
}
