package service

import (
	"fmt"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
)

// ledger holds a person's relationships while a message is folded into them.
type ledger struct {
	lines []*line
	at    map[[2]string]*line // by source and key
}

// line is one relationship before and after.
type line struct {
	before *store.FeedRelationship // nil: new
	after  store.FeedRelationship
}

func newLedger(known []store.FeedRelationship) *ledger {
	l := &ledger{at: map[[2]string]*line{}}
	for _, k := range known {
		l.add(&line{before: &k, after: k})
	}
	return l
}

func (l *ledger) add(n *line) {
	l.lines = append(l.lines, n)
	l.at[[2]string{n.after.SourceODS, n.after.SourceKey}] = n
}

// take folds one statement in; id is for a relationship that is new.
func (l *ledger) take(source, key, id string, s relationship.Statement) {
	if n, ok := l.at[[2]string{source, key}]; ok {
		n.after.Known, _ = n.after.Known.Fold(s)
		return
	}
	l.add(&line{after: store.FeedRelationship{ID: id, SourceODS: source, SourceKey: key, Known: relationship.First(s)}})
}

// settle sets every end: registrations together, since only one of them stands.
func (l *ledger) settle(p relationship.Periods) {
	var registrations []*line
	var known []relationship.Known
	for _, n := range l.lines {
		if n.after.Known.Kind != relationship.Registration {
			n.after.EndsAt = p.FeedEnd(n.after.Known)
			continue
		}
		registrations, known = append(registrations, n), append(known, n.after.Known)
	}
	for i, end := range p.RegistrationEnds(known) {
		registrations[i].after.EndsAt = end
	}
}

// altered are the relationships that must be written.
func (l *ledger) altered() []store.FeedRelationship {
	var found []store.FeedRelationship
	for _, n := range l.lines {
		if n.before == nil || n.before.Known != n.after.Known || !n.before.EndsAt.Equal(n.after.EndsAt) {
			found = append(found, n.after)
		}
	}
	return found
}

// tally counts what changed for those who look, apart from our own bookkeeping.
type tally struct{ begun, changed, withdrawn int }

func (t tally) none() bool { return t == tally{} }

func (t tally) String() string {
	return fmt.Sprintf("%d begun, %d changed, %d withdrawn", t.begun, t.changed, t.withdrawn)
}

func (l *ledger) tally() tally {
	var t tally
	for _, n := range l.lines {
		switch n.news() {
		case begun:
			t.begun++
		case withdrawn:
			t.withdrawn++
		case changed:
			t.changed++
		}
	}
	return t
}

// news is what a message changed in a relationship for those who look.
type news int

const (
	nothing news = iota
	begun
	changed
	withdrawn
)

func (n *line) news() news {
	switch after := n.after.Known; {
	case n.before == nil && after.Withdrawn: // it never stood, and nobody had heard of it
		return nothing
	case n.before == nil:
		return begun
	case after.Withdrawn && !n.before.Known.Withdrawn:
		return withdrawn
	case !n.sameForAll():
		return changed
	}
	return nothing
}

// told are the relationships with news, as they stand now.
func (l *ledger) told() []store.FeedRelationship {
	var all []store.FeedRelationship
	for _, n := range l.lines {
		if n.news() != nothing {
			all = append(all, n.after)
		}
	}
	return all
}

// sameForAll tells whether holder, times and standing are as before.
func (n *line) sameForAll() bool {
	a, b := n.before.Known, n.after.Known
	return a.Kind == b.Kind && a.ODSCode == b.ODSCode && a.Team == b.Team && a.Withdrawn == b.Withdrawn &&
		a.StartsAt.Equal(b.StartsAt) && n.before.EndsAt.Equal(n.after.EndsAt)
}
