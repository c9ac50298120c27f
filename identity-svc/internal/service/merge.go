package service

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/merge"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const (
	mergesPage = 50
	// lastID is above every UUIDv7.
	lastID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	// mergePatience is how long an answer waits for the other services. What is not done by then is done in
	// the background.
	mergePatience = 2 * time.Second
)

// merges implements MergeService.
type merges struct {
	identityv1.UnimplementedMergeServiceServer
	*core
}

// MergeNumbers begins a merge and waits a while for how far it comes.
func (m *merges) MergeNumbers(ctx context.Context, req *identityv1.MergeNumbersRequest) (*identityv1.MergeNumbersResponse, error) {
	pair, err := pairOf(req)
	if err != nil {
		return nil, err
	}
	done, err := mutate(ctx, m.core, req, func(tx *sqlx.Tx) (*identityv1.GetMergeRequest, accounting.Change, error) {
		one, err := m.begin(ctx, tx, pair, req)
		return &identityv1.GetMergeRequest{Id: one.ID}, mergeChange(one, "begun"), err
	})
	if err != nil {
		return nil, err
	}
	one, err := m.advance(ctx, done.GetId())
	return &identityv1.MergeNumbersResponse{Merge: one}, err
}

// pairOf reads which numbers are meant.
func pairOf(req *identityv1.MergeNumbersRequest) (merge.Pair, error) {
	inForce, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return merge.Pair{}, err
	}
	superseded, err := parseNumber("superseded_nhs_number", req.GetSupersededNhsNumber())
	if err != nil {
		return merge.Pair{}, err
	}
	if inForce == superseded {
		return merge.Pair{}, fault.Invalid("SAME_NUMBER", "superseded_nhs_number", "A number is merged into another one.")
	}
	return merge.Pair{InForce: inForce, Superseded: superseded}, nil
}

// begin writes a merge and has it led on.
func (m *merges) begin(ctx context.Context, tx *sqlx.Tx, pair merge.Pair, req *identityv1.MergeNumbersRequest) (store.Merge, error) {
	standing, err := m.store.StandingMerges(ctx, tx, pair.InForce, pair.Superseded)
	if err != nil {
		return store.Merge{}, err
	}
	for _, other := range standing {
		if pair.Conflicts(merge.Pair{InForce: other.NHSNumber, Superseded: other.Superseded}) {
			return store.Merge{}, fault.Duplicate("ALREADY_MERGED", "One of these numbers is part of another merge.").With("merge_id", other.ID)
		}
	}
	id, err := m.newID()
	if err != nil {
		return store.Merge{}, err
	}
	actor, err := proto.Marshal(req.GetEvent().GetActor())
	if err != nil {
		return store.Merge{}, err
	}
	one := store.Merge{
		ID: id.String(), NHSNumber: pair.InForce, Superseded: pair.Superseded, State: int16(merge.Linking),
		Reason: req.GetReason(), Actor: actor, BegunAt: m.now(), Version: 1,
	}
	if err := m.store.AddMerge(ctx, tx, one); err != nil {
		return store.Merge{}, err
	}
	if err := m.tellOther(ctx, tx, one, req.GetEvent(), "begun"); err != nil {
		return store.Merge{}, err
	}
	return one, lead(ctx, tx, id, mergeMessage(id))
}

// UnmergeNumbers has a merge undone and waits a while for how far that comes.
func (m *merges) UnmergeNumbers(ctx context.Context, req *identityv1.UnmergeNumbersRequest) (*identityv1.UnmergeNumbersResponse, error) {
	id, err := uuid.Parse(req.GetId())
	if err != nil {
		return nil, mergeNotFound()
	}
	done, err := mutate(ctx, m.core, req, func(tx *sqlx.Tx) (*identityv1.GetMergeRequest, accounting.Change, error) {
		one, err := m.store.LockMerge(ctx, tx, id.String())
		if errors.Is(err, store.ErrNone) {
			err = mergeNotFound()
		}
		if err != nil {
			return nil, accounting.Change{}, err
		}
		undone, ok := merge.State(one.State).Undo()
		if !ok {
			return nil, accounting.Change{}, fault.Precondition("ALREADY_UNMERGED", "This merge is undone, or being undone.")
		}
		one.State = int16(undone)
		if one.Actor, err = proto.Marshal(req.GetEvent().GetActor()); err != nil {
			return nil, accounting.Change{}, err
		}
		if err := m.store.PutMerge(ctx, tx, one); err != nil {
			return nil, accounting.Change{}, err
		}
		if err := m.tellOther(ctx, tx, one, req.GetEvent(), "to be undone"); err != nil {
			return nil, accounting.Change{}, err
		}
		return &identityv1.GetMergeRequest{Id: one.ID}, mergeChange(one, "to be undone"), lead(ctx, tx, id, unmergeMessage(id))
	})
	if err != nil {
		return nil, err
	}
	one, err := m.advance(ctx, done.GetId())
	return &identityv1.UnmergeNumbersResponse{Merge: one}, err
}

// advance waits a while for the other services, and reads how far a merge is.
func (m *merges) advance(ctx context.Context, id string) (*identityv1.Merge, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, mergePatience)
	defer cancel()
	if m.outbox.Flush(waiting, mergeMessage(parsed), unmergeMessage(parsed)) != nil {
		m.outbox.Wake() // the outbox logs what went wrong, and goes on
	}
	one, err := m.store.Merge(ctx, id)
	if err != nil {
		return nil, err
	}
	return mergeOf(one), nil
}

// GetMerge reads one.
func (m *merges) GetMerge(ctx context.Context, req *identityv1.GetMergeRequest) (*identityv1.GetMergeResponse, error) {
	id, err := uuid.Parse(req.GetId())
	if err != nil {
		return nil, mergeNotFound()
	}
	one, err := m.store.Merge(ctx, id.String())
	if errors.Is(err, store.ErrNone) {
		return nil, mergeNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &identityv1.GetMergeResponse{Merge: mergeOf(one)}, nil
}

// ListMerges reads a page.
func (m *merges) ListMerges(ctx context.Context, req *identityv1.ListMergesRequest) (*identityv1.ListMergesResponse, error) {
	number, before, size := "", lastID, int(req.GetPageSize())
	var err error
	if req.GetNhsNumber() != "" {
		if number, err = parseNumber("nhs_number", req.GetNhsNumber()); err != nil {
			return nil, err
		}
	}
	if text := req.GetAfterId(); text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, fault.Invalid("INVALID_PAGE_TOKEN", "after_id", "This is where an earlier page ended.")
		}
		before = id.String()
	}
	if size == 0 {
		size = mergesPage
	}
	found, err := m.store.Merges(ctx, number, before, size+1)
	if err != nil {
		return nil, err
	}
	resp := &identityv1.ListMergesResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfterId = found[size-1].ID
	}
	for _, one := range found {
		resp.Merges = append(resp.Merges, mergeOf(one))
	}
	return resp, nil
}

func mergeNotFound() error { return fault.NotFound("MERGE_NOT_FOUND", "There is no such merge.") }

func mergeChange(m store.Merge, summary string) accounting.Change {
	return accounting.Change{Resource: "merge", ID: m.ID, Summary: summary, NHSNumber: m.NHSNumber}
}

// tellOther writes the event of what somebody did for the superseded number: an event is about one person, and
// whoever looks for either number must find it.
func (m *merges) tellOther(ctx context.Context, tx *sqlx.Tx, one store.Merge, ec *auditv1.EventContext, summary string) error {
	id, err := m.newID()
	if err != nil {
		return err
	}
	change := mergeChange(one, summary)
	change.NHSNumber = one.Superseded
	e := accounting.Complete(ec, change, m.now())
	e.Id, e.OccurredAt = id.String(), timeOf(id)
	_, err = putEvent(ctx, tx, e)
	return err
}

// mergeMessage and unmergeMessage are the ids of the messages that lead a merge on, so that a repeated request
// finds them.
func mergeMessage(id uuid.UUID) uuid.UUID   { return id }
func unmergeMessage(id uuid.UUID) uuid.UUID { return uuid.NewSHA1(id, []byte("unmerge")) }

// lead has a merge led on once the transaction commits.
func lead(ctx context.Context, tx *sqlx.Tx, id, message uuid.UUID) error {
	payload, err := proto.Marshal(&identityv1.GetMergeRequest{Id: id.String()})
	if err != nil {
		return err
	}
	return outbox.Put(ctx, tx, outbox.Message{ID: message, Topic: MergeTopic, Key: MergeTopic + " " + id.String(), Payload: payload})
}

func mergeOf(m store.Merge) *identityv1.Merge {
	return &identityv1.Merge{
		Id: m.ID, NhsNumber: m.NHSNumber, SupersededNhsNumber: m.Superseded, State: identityv1.MergeState(m.State), Reason: m.Reason,
		BegunAt: stamp(&m.BegunAt), LinkedAt: stamp(m.LinkedAt), PublishedAt: stamp(m.PublishedAt), UnmergedAt: stamp(m.UnmergedAt),
		Version: m.Version,
	}
}
