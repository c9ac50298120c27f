// Package ingest takes one bundle into the record, in one transaction: it locks the person, decides what
// each change does, stores versions and entries, renders the sections anew, and leaves what identity-svc
// and audit-svc must be told in the outbox. All of it happens, or nothing.
package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/nevershared"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/person"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// Ingester takes bundles in. It is safe for concurrent use.
type Ingester struct {
	Store *store.Store
	// Rules are the never-shared code sets in force.
	Rules *nevershared.Set
	Now   func() time.Time
}

// Sender is who sent a bundle, as the registry has it.
type Sender struct {
	store.Source
	// IgnoreUnsupported has types that the record does not keep ignored and reported.
	IgnoreUnsupported bool
}

// Result is what became of an accepted bundle.
type Result struct {
	NHSNumber nhsnumber.Number
	// Changes, in the order of the bundle's entries.
	Changes []Applied
	Ignored []bundle.Ignored
	// Unmatched are references that point to nothing known: kept, and reported to the sender.
	Unmatched []bundle.Unmatched
	// Changed is true when anything was stored.
	Changed bool
	// Sections of the entries that were added or changed, in the order of the contract, and Entries, how many
	// entries were added, changed or taken away. Supporting resources are none.
	Sections []section.Name
	Entries  int
	// Held is true when the person's record is closed until optout-svc has checked them.
	Held bool
	// Messages to flush before the sender is answered.
	Messages []uuid.UUID
}

// Applied is what became of one entry of the bundle.
type Applied struct {
	Index   int
	Verb    bundle.Verb
	Key     bundle.Key
	EntryID string
	// Version that the resource now has, and whether this bundle made it.
	Version int
	New     bool
	Created bool
}

// Account writes what must be told of an accepted bundle into the outbox of its transaction, and returns
// the ids of the messages that the answer has to wait for.
type Account func(ctx context.Context, tx *sqlx.Tx, r *Result, facts *Facts) ([]uuid.UUID, error)

// Submit takes a bundle in. A refusal is a *bundle.Refusal; nothing was stored then. Every other error is
// a fault of the service or its database, and nothing was stored either.
func (g *Ingester) Submit(ctx context.Context, from Sender, eventID string, body []byte, account Account) (*Result, error) {
	b, err := bundle.Decode(body, bundle.Options{Limits: bundle.Standard(), IgnoreUnsupported: from.IgnoreUnsupported})
	if err != nil {
		return nil, fmt.Errorf("decode bundle: %w", err)
	}
	var result *Result
	err = g.Store.InTx(ctx, func(tx *sqlx.Tx) error {
		work := &work{Ingester: g, tx: tx, from: from, eventID: eventID, bundle: b, at: g.Now().UTC().Truncate(time.Microsecond)}
		var err error
		if result, err = work.run(ctx); err != nil {
			return err
		}
		result.Messages, err = account(ctx, tx, result, work.facts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// work is one bundle on its way through its transaction.
type work struct {
	*Ingester
	tx      *sqlx.Tx
	from    Sender
	eventID string
	bundle  *bundle.Bundle
	at      time.Time

	settled *bundle.Settled
	person  store.Person
	entries map[string]*store.Entry     // of the person, by id
	byKey   map[bundle.Key]*store.Entry // of this sender
	facts   *Facts
}

func (w *work) run(ctx context.Context) (*Result, error) {
	if err := w.settle(ctx); err != nil {
		return nil, err
	}
	if err := w.matchPerson(ctx); err != nil {
		return nil, err
	}
	if err := w.load(ctx); err != nil {
		return nil, err
	}
	planned, err := w.plan(ctx)
	if err != nil {
		return nil, err
	}
	result := &Result{
		NHSNumber: w.settled.NHSNumber, Changes: planned.applied, Ignored: w.bundle.Ignored, Unmatched: w.settled.Unmatched,
		Changed: len(planned.versions) > 0,
	}
	if result.Changed {
		if err := w.write(ctx, planned); err != nil {
			return nil, err
		}
		if err := result.describe(planned.changed); err != nil {
			return nil, err
		}
	}
	result.Held = w.person.Held
	return result, w.Store.Accepted(ctx, w.tx, w.settled.NHSNumber, w.from.Source, w.at)
}

// describe says what the bundle did to the record, for its audit event.
func (r *Result) describe(changed []store.Entry) error {
	touched := map[section.Name]bool{}
	for _, e := range changed {
		switch e.State {
		case store.Deleted, store.EnteredInError:
			r.Entries++
		case store.Shown:
			computed, _, err := e.Computed()
			if err != nil {
				return err
			}
			r.Entries++
			touched[computed.Section] = true
		case store.Supporting, store.NeverShared: // the second is told to nobody, not even as a number
		}
	}
	for _, name := range section.All() {
		if touched[name] {
			r.Sections = append(r.Sections, name)
		}
	}
	return nil
}

// settle finds out whom the bundle is about and locks that person. What is known of its resources is read
// again under the lock: another bundle may just have changed it.
func (w *work) settle(ctx context.Context) error {
	number := w.bundle.NHSNumber
	if number == "" {
		settled, err := w.settleOnce(ctx)
		if err != nil {
			return err
		}
		number = settled.NHSNumber
	}
	var err error
	if w.person, err = w.Store.LockPerson(ctx, w.tx, number); err != nil {
		return err
	}
	if w.person.Retired {
		return w.superseded()
	}
	if w.settled, err = w.settleOnce(ctx); err != nil {
		return err
	}
	if w.settled.NHSNumber != number {
		return fault.Unavailable("CONCURRENT_CHANGE", "The bundle's resources changed hands while it was being stored. Send it again.")
	}
	return nil
}

// superseded refuses a bundle about a number that was merged away: under it nobody would ever see it.
func (w *work) superseded() error {
	r := &bundle.Refusal{Reason: ReasonSuperseded, Text: "This NHS number was merged into another one. Look the person up, and send this under the number in force."}
	if w.bundle.Patient != nil {
		r.Expression = fmt.Sprintf("Bundle.entry[%d].resource", w.bundle.Patient.Index)
	}
	return r
}

func (w *work) settleOnce(ctx context.Context) (*bundle.Settled, error) {
	owners, err := w.Store.Owners(ctx, w.tx, w.from.ODSCode, w.bundle.Wanted())
	if err != nil {
		return nil, err
	}
	return w.bundle.Settle(owners)
}

// matchPerson refuses demographics that contradict the person known under the number.
func (w *work) matchPerson(ctx context.Context) error {
	if w.bundle.Patient == nil {
		return nil
	}
	incoming := person.Of(w.bundle.Patient.Resource)
	twins, err := w.Store.Twins(ctx, w.tx, w.settled.NHSNumber, incoming)
	if err != nil {
		return err
	}
	if reason := person.Match(incoming, w.person.Known(), twins); reason != person.Fits {
		return &bundle.Refusal{
			Reason: bundle.Reason(reason), Text: reason.Text(),
			Expression: fmt.Sprintf("Bundle.entry[%d].resource", w.bundle.Patient.Index),
		}
	}
	return nil
}

func (w *work) load(ctx context.Context) error {
	all, err := w.Store.Entries(ctx, w.tx, w.settled.NHSNumber)
	if err != nil {
		return err
	}
	w.entries, w.byKey = make(map[string]*store.Entry, len(all)), make(map[bundle.Key]*store.Entry)
	for i := range all {
		w.entries[all[i].ID] = &all[i]
		if all[i].SourceODS == w.from.ODSCode {
			w.byKey[all[i].Key()] = &all[i]
		}
	}
	return nil
}

// write stores what was planned, merges the person, and renders.
func (w *work) write(ctx context.Context, p *planned) error {
	number := w.settled.NHSNumber
	if err := w.Store.InsertVersions(ctx, w.tx, number, p.versions, w.at, w.eventID); err != nil {
		return err
	}
	w.person.Sequence++
	w.facts = &Facts{Number: number, Sequence: w.person.Sequence, ReceivedAt: w.at, Relationships: p.relationships}
	if p.patient {
		if err := w.mergePatient(ctx, p); err != nil {
			return err
		}
	}
	if err := w.applyRules(ctx, p); err != nil {
		return err
	}
	if err := w.Store.UpdatePerson(ctx, w.tx, number, w.person); err != nil {
		return err
	}
	return w.render(ctx, p.changed)
}
