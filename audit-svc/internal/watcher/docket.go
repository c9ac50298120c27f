package watcher

import (
	"context"
	"errors"

	"github.com/jmoiron/sqlx"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

// docket is one run of leaves in its transaction.
type docket struct {
	*Watcher
	tx   *sqlx.Tx
	from int64
	run  []entry

	findings   map[string]int64 // by rule
	unreadable int64
	events     []store.Row // of the steps that the system made
}

// entry is one leaf with its event; the event is nil when it cannot be read.
type entry struct {
	index int64
	event *auditv1.Event
}

// read takes the leaves that come next.
func (d *docket) read(ctx context.Context) error {
	var err error
	if d.from, err = d.cfg.Cases.Watched(ctx, d.tx); err != nil {
		return err
	}
	leaves, err := d.cfg.Cases.Run(ctx, d.tx, d.from, d.cfg.Leaves)
	if err != nil {
		return err
	}
	d.findings = map[string]int64{}
	for _, l := range leaves {
		e := entry{index: l.Index}
		if decoded, err := d.decode(l); err == nil {
			e.event = decoded
		} else {
			// A stored event that cannot be read is fsck's to find; watching goes on, and says so.
			d.unreadable++
			d.cfg.Log.ErrorContext(ctx, "an event of the log cannot be read, and was judged by no rule: run audit-svc fsck", "leaf", l.Index)
		}
		d.run = append(d.run, e)
	}
	return nil
}

// decode reads a stored event, whose id must name the time under which it is counted.
func (d *docket) decode(l store.Leafed) (*auditv1.Event, error) {
	if len(l.Body) == 0 {
		return nil, errors.New("the event is not there")
	}
	e, err := event.Decode(l.Body)
	if err != nil {
		return nil, err
	}
	_, err = d.cfg.Rules.DayOf(e.GetId())
	return e, err
}

// judge lets the rules judge each event, in the order of the tree.
func (d *docket) judge(ctx context.Context) error {
	counter, err := d.count(ctx)
	if err != nil {
		return err
	}
	for _, e := range d.run {
		if e.event == nil {
			continue
		}
		facts, err := d.facts(ctx, counter, e.event)
		if err != nil {
			return err
		}
		found, err := d.cfg.Rules.Judge(e.event, facts)
		if err != nil {
			return err
		}
		if len(found) == 0 && len(watch.Attendances(e.event)) == 0 {
			continue
		}
		if err := d.settle(ctx, e, found); err != nil {
			return err
		}
	}
	return d.cfg.Cases.AddEvents(ctx, d.tx, d.events...)
}

// count loads what lies before the run, one question for each day in it.
func (d *docket) count(ctx context.Context) (*watch.Counter, error) {
	var events []*auditv1.Event
	for _, e := range d.run {
		if e.event != nil {
			events = append(events, e.event)
		}
	}
	staff, days := map[string][]string{}, map[string]watch.Day{}
	for _, need := range d.cfg.Rules.Needs(events) {
		staff[need.Day.Name] = append(staff[need.Day.Name], need.StaffID)
		days[need.Day.Name] = need.Day
	}
	counter := d.cfg.Rules.NewCounter()
	for name, day := range days {
		counts, err := d.cfg.Cases.OpensBefore(ctx, d.tx, d.opens(day), staff[name], d.from)
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			counter.Load(watch.MemberDay{StaffID: c.StaffID, Day: day}, c.NHSNumber, c.Opens)
		}
	}
	return counter, nil
}

func (w *Watcher) opens(day watch.Day) store.Opens {
	return store.Opens{Actions: w.cfg.Rules.OpenActions(), Outcomes: w.cfg.Rules.OpenOutcomes(), From: day.From, To: day.To}
}

// facts are what was counted for one event; peers are read only where a rule wants them.
func (d *docket) facts(ctx context.Context, counter *watch.Counter, e *auditv1.Event) (watch.Facts, error) {
	facts, err := counter.Count(e)
	if err != nil || !d.cfg.Rules.WantsPeers(e, facts.People) {
		return facts, err
	}
	day, err := d.cfg.Rules.DayOf(e.GetId())
	if err != nil {
		return facts, err
	}
	a, since := e.GetActor(), d.cfg.Rules.Before(day, d.cfg.Rules.WindowDays())
	days, err := d.cfg.Cases.Peers(ctx, d.tx, a.GetOdsCode(), a.GetRoleCode(), a.GetStaffId(), since.Name, day.Name)
	if err != nil {
		return facts, err
	}
	peers := map[string]bool{}
	for _, p := range days {
		peers[p.StaffID] = true
		facts.Peers.People = append(facts.Peers.People, p.People)
	}
	facts.Peers.Peers = len(peers)
	return facts, nil
}

// find gives the case of a key as it stands, locked, or none: a settled one takes nothing more, and its turn
// is over. Only whoever watches opens cases, so that none comes into being meanwhile.
func (d *docket) find(ctx context.Context, k watch.Key) (found store.Case, none bool, err error) {
	key := store.Case{StaffID: k.StaffID, Rule: k.Rule, NHSNumber: k.NHSNumber, Period: k.Period, ODSCode: k.ODSCode}
	found, err = d.cfg.Cases.FindByKey(ctx, d.tx, key)
	if errors.Is(err, store.ErrNoCase) {
		return store.Case{}, true, nil
	}
	if err != nil || found.Settled {
		return found, true, err
	}
	return d.locked(ctx, found.ID)
}

// locked reads a case again once nobody else can add to it.
func (d *docket) locked(ctx context.Context, id string) (store.Case, bool, error) {
	if err := d.cfg.Cases.Lock(ctx, d.tx, id); err != nil {
		return store.Case{}, false, err
	}
	found, err := d.cfg.Cases.Find(ctx, d.tx, store.Scope{All: true}, id)
	return found, false, err
}
