package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// statedAtMost is how many relationships one event names (event.proto). Of more, each part has an event.
const statedAtMost = 100

// account writes the events of a message that changed relationships. They name what the feed stated, so that
// whoever watches the log can tell that a relationship which somebody declared was true (DOMAIN.md section 8).
func (f *feed) account(ctx context.Context, tx *sqlx.Tx, number string, m feedMessage, did tally, told []store.FeedRelationship) error {
	stated, err := f.stated(ctx, tx, told)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(stated, statedAtMost) {
		if err := f.accountPart(ctx, tx, number, m, did, part); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) accountPart(ctx context.Context, tx *sqlx.Tx, number string, m feedMessage, did tally, part []*auditv1.StatedRelationship) error {
	id, err := f.newID()
	if err != nil {
		return fmt.Errorf("make event id: %w", err)
	}
	// An id names its time: audit-svc wants the event's own time beside it.
	seconds, nanos := id.Time().UnixTime()
	_, err = putEvent(ctx, tx, &auditv1.Event{
		Id: id.String(), OccurredAt: timestamppb.New(time.Unix(seconds, nanos)), Action: "relationship.feed",
		Outcome:   auditv1.Outcome_OUTCOME_CHANGED,
		Actor:     &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: "record-svc", OdsCode: m.source},
		NhsNumber: number, Basis: &auditv1.Basis{Purpose: "feed"},
		Change: &auditv1.Change{Resource: "care_relationship", Id: m.id, Summary: did.String(), Relationships: part},
	})
	return err
}

// stated says what a feed stated, with everybody for whom it counts: the organisation that holds it, and its heir.
func (f *feed) stated(ctx context.Context, tx *sqlx.Tx, told []store.FeedRelationship) ([]*auditv1.StatedRelationship, error) {
	codes := make([]string, len(told))
	for i, r := range told {
		codes[i] = r.Known.ODSCode
	}
	heirs, err := f.store.Heirs(ctx, tx, codes)
	if err != nil {
		return nil, err
	}
	all := make([]*auditv1.StatedRelationship, len(told))
	for i, r := range told {
		k := r.Known
		all[i] = &auditv1.StatedRelationship{
			Id: r.ID, Kind: k.Kind.String(), StartsAt: timestamppb.New(k.StartsAt), Withdrawn: k.Withdrawn,
		}
		for _, code := range []string{k.ODSCode, heirs[k.ODSCode]} {
			if code != "" && !slices.Contains(all[i].OdsCodes, code) {
				all[i].OdsCodes = append(all[i].OdsCodes, code)
			}
		}
		// A closure before the start is one of which the feed did not say when: then it was over as it began.
		if !k.ClosedAt.IsZero() {
			all[i].ClosedAt = timestamppb.New(latest(k.ClosedAt, k.StartsAt))
		}
	}
	return all, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
