package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// feed implements FeedService.
type feed struct {
	identityv1.UnimplementedFeedServiceServer
	*core
}

// ApplyFeedFacts takes one message whole or not at all. Messages may come again and out of order; what
// each may change is decided by its sequence and not by remembering messages, so that the result is that
// of all messages in order. The audit event is delivered by the outbox, since nobody waits for it.
func (f *feed) ApplyFeedFacts(ctx context.Context, req *identityv1.ApplyFeedFactsRequest) (*identityv1.ApplyFeedFactsResponse, error) {
	message, err := f.read(req)
	if err != nil {
		return nil, err
	}
	err = f.store.InTx(ctx, func(tx *sqlx.Tx) error { return f.apply(ctx, tx, message) })
	if err != nil {
		return nil, err
	}
	f.outbox.Wake()
	return &identityv1.ApplyFeedFactsResponse{}, nil
}

// apply is the whole of a message, in one transaction.
func (f *feed) apply(ctx context.Context, tx *sqlx.Tx, m feedMessage) error {
	number, superseded := m.nhsNumber, false
	person, err := f.store.LockPatient(ctx, tx, m.nhsNumber)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return err
	}
	if err == nil && person.NHSNumber != m.nhsNumber {
		number, superseded = person.NHSNumber, true
	}
	if err := f.store.AdvanceWatermark(ctx, tx, number, m.sequence, m.id, m.received); err != nil {
		return err
	}
	// What a feed says under a number that was merged away is older than the merge: relationships count,
	// names and addresses do not.
	if m.patient != nil && !superseded {
		if err := f.store.PutPatient(ctx, tx, *m.patient, m.sequence); err != nil {
			return err
		}
	}
	return f.applyRelationships(ctx, tx, number, m)
}

// applyRelationships folds the statements of a message into what is known.
func (f *feed) applyRelationships(ctx context.Context, tx *sqlx.Tx, number string, m feedMessage) error {
	if len(m.statements) == 0 {
		return nil
	}
	known, err := f.store.FeedRelationships(ctx, tx, number, m.source, m.keys())
	if err != nil {
		return err
	}
	l := newLedger(known)
	for _, s := range m.statements {
		id, err := f.newID()
		if err != nil {
			return fmt.Errorf("make relationship id: %w", err)
		}
		l.take(m.source, s.key, id.String(), s.statement)
	}
	l.settle(f.periods)
	for _, r := range l.altered() {
		if err := f.store.PutFeedRelationship(ctx, tx, number, r); err != nil {
			return err
		}
	}
	tally := l.tally()
	if tally.none() {
		return nil
	}
	if err := f.store.CutGrants(ctx, tx, number); err != nil {
		return err
	}
	return f.account(ctx, tx, number, m, tally, l.told())
}

// feedMessage is a request that was read and checked.
type feedMessage struct {
	id         string
	nhsNumber  string
	source     string
	sequence   int64
	received   time.Time
	patient    *store.Patient // nil: the bundle said nothing of the person
	statements []keyed
}

// keyed is a statement and the resource that it was derived from.
type keyed struct {
	key       string
	statement relationship.Statement
}

func (m feedMessage) keys() []string {
	keys := make([]string, len(m.statements))
	for i, s := range m.statements {
		keys[i] = s.key
	}
	return keys
}

// read checks what the rules of the proto do not.
func (f *feed) read(req *identityv1.ApplyFeedFactsRequest) (feedMessage, error) {
	number, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return feedMessage{}, err
	}
	if !req.GetReceivedAt().IsValid() {
		return feedMessage{}, invalid("received_at", "This is an instant.")
	}
	m := feedMessage{
		id: req.GetMessageId(), nhsNumber: number, source: req.GetSourceOdsCode(), sequence: req.GetSequence(),
		received: *moment(req.GetReceivedAt()),
	}
	if p := req.GetPatient(); p != nil {
		if p.GetNhsNumber() != "" && p.GetNhsNumber() != number {
			return feedMessage{}, invalid("patient.nhs_number", "A message is about one person.")
		}
		m.patient = statedPatient(p, req.GetContact(), number, m.received)
	}
	for i, r := range req.GetRelationships() {
		s, err := m.statement(r, fmt.Sprintf("relationships[%d]", i))
		if err != nil {
			return feedMessage{}, err
		}
		m.statements = append(m.statements, keyed{key: r.GetSourceKey(), statement: s})
	}
	return m, nil
}

// statement reads one relationship; field names it in a refusal.
func (m feedMessage) statement(r *identityv1.FeedRelationship, field string) (relationship.Statement, error) {
	kind := relationship.Kind(r.GetKind())
	switch {
	case !kind.FromFeed():
		return relationship.Statement{}, invalid(field+".kind", "A feed states registrations, referrals, episodes and caseloads.")
	case r.GetOdsCode() == "" && !r.GetWithdrawn():
		return relationship.Statement{}, invalid(field+".ods_code", "An organisation holds the relationship.")
	case r.GetStartsAt() != nil && !r.GetStartsAt().IsValid(), r.GetClosedAt() != nil && !r.GetClosedAt().IsValid():
		return relationship.Statement{}, invalid(field, "Its times are instants.")
	}
	return relationship.Statement{
		Kind: kind, ODSCode: r.GetOdsCode(), Team: r.GetTeam(),
		StartsAt: deref(moment(r.GetStartsAt())), ClosedAt: deref(moment(r.GetClosedAt())),
		Withdrawn: r.GetWithdrawn(), Sequence: m.sequence, Received: m.received,
	}, nil
}

// statedPatient is the person as record-svc knows them.
func statedPatient(p *identityv1.Patient, contact *identityv1.FeedContact, number string, received time.Time) *store.Patient {
	updated := received
	if p.GetUpdatedAt().IsValid() {
		updated = *moment(p.GetUpdatedAt())
	}
	return &store.Patient{
		NHSNumber: number, FamilyName: p.GetFamilyName(), GivenNames: orEmpty(p.GetGivenNames()),
		BirthDate: p.GetBirthDate(), Gender: p.GetGender(), Deceased: p.GetDeceased(), DeceasedOn: p.GetDeceasedOn(),
		AddressLines: orEmpty(p.GetAddressLines()), Postcode: p.GetPostcode(), Telephones: orEmpty(p.GetTelephones()),
		GPODSCode: p.GetGp().GetOdsCode(), GPName: p.GetGp().GetName(), Restricted: p.GetRestricted(), UpdatedAt: updated,
		Mobiles: contact.GetMobiles(), Emails: contact.GetEmails(),
	}
}

// orEmpty is never null, which the database refuses.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
