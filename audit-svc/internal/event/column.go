package event

import (
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// Columns are what is kept beside an event's bytes, so that it can be searched for. They repeat what the bytes
// say, and follow from them alone: fsck compares.
type Columns struct {
	// OccurredAt to the microsecond, as the column keeps it, in UTC.
	OccurredAt       time.Time
	Action           string
	Outcome          int32
	Reason           string
	NHSNumber        string
	StaffID          string
	ODSCode          string
	RelationshipKind string
	Marks            []string
}

// ColumnsOf is how an event is stored.
func ColumnsOf(e *auditv1.Event) Columns {
	return Columns{
		OccurredAt: e.GetOccurredAt().AsTime().UTC().Truncate(time.Microsecond),
		Action:     e.GetAction(), Outcome: int32(e.GetOutcome()), Reason: e.GetReason(),
		NHSNumber: e.GetNhsNumber(), StaffID: e.GetActor().GetStaffId(), ODSCode: e.GetActor().GetOdsCode(),
		RelationshipKind: e.GetBasis().GetRelationshipKind(), Marks: e.GetMarks(),
	}
}
