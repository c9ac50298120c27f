package app

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// together runs calls at the same moment and waits for all.
func together(calls ...func()) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, call := range calls {
		all.Go(func() {
			<-start
			call()
		})
	}
	close(start)
	all.Wait()
}

// TestAtTheSameInstant lets several organisations, over two replicas, send about one person who is new.
func TestAtTheSameInstant(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	replicas := []*replica{s.start(t), s.start(t)}
	const senders, each = 6, 4
	var calls []func()
	for i := range senders {
		from := &identityv1.Organisation{OdsCode: fmt.Sprintf("T%02d", i), Name: fmt.Sprintf("Trust %d", i), Kind: hospital().GetKind()}
		for j := range each {
			body := transaction(put(aliceAtHome()), put(problem(fmt.Sprintf("c%d", j), fmt.Sprintf("%d%d", i, j), fmt.Sprintf("Problem %d %d", i, j), "2020-01-01")))
			calls = append(calls, func() { replicas[(i+j)%2].accept(t, from, body) })
		}
	}
	together(calls...)
	view, manifest := replicas[0].record(t, grantFor(alice, whole()))
	if got := len(displays(t, view, "history")); got != senders*each {
		t.Errorf("%d entries shown, want %d", got, senders*each)
	}
	if len(manifest.GetSourceOdsCodes()) != senders || len(view.GetSources()) != senders {
		t.Errorf("sources %v", manifest.GetSourceOdsCodes())
	}
	if got := s.count(t, "SELECT sequence FROM person"); got != senders*each {
		t.Errorf("%d bundles counted, want %d", got, senders*each)
	}
}

// TestSameBundleAtTheSameInstant sends one bundle many times at once: it counts once, and nobody sees a
// conflict of the database.
func TestSameBundleAtTheSameInstant(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	replicas := []*replica{s.start(t), s.start(t)}
	body := transaction(puts(numbered(40)...)...)
	var calls []func()
	for i := range 16 {
		calls = append(calls, func() { replicas[i%2].accept(t, hospital(), body) })
	}
	together(calls...)
	want := state{Persons: 1, Entries: 40, Versions: 40, Pieces: 16, Accepted: 1, Sequences: 1}
	eventually(t, "all messages are delivered", func() bool { return s.stored(t).Waiting == 0 })
	if diff := cmp.Diff(want, s.stored(t)); diff != "" {
		t.Error(diff)
	}
}

// TestNoDeadlock lets bundles of one sender for two people cross, each naming the same practitioner.
func TestNoDeadlock(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	doctor := resource{"resourceType": "Practitioner", "id": "d", "name": []any{resource{"family": "House"}}}
	var calls []func()
	for i := range 20 {
		who := []resource{aliceAtHome().with(resource{"id": "pa"}), bobAtHome().with(resource{"id": "pb"})}[i%2]
		one := problem(fmt.Sprintf("c%d", i), fmt.Sprint(i), fmt.Sprintf("Problem %d", i), "2020-01-01").with(resource{
			"subject": resource{"reference": who.target()}, "recorder": resource{"reference": "Practitioner/d"},
		})
		calls = append(calls, func() { r.accept(t, hospital(), transaction(put(who), put(doctor), put(one))) })
	}
	together(calls...)
	for _, number := range []string{alice, bob} {
		view, _ := r.record(t, grantFor(number, whole()))
		history := section(t, view, "history").GetEntries()
		if len(history) != 10 {
			t.Errorf("%d problems, want 10", len(history))
		}
		for _, e := range history {
			if e.GetAuthor() != "House" {
				t.Errorf("author %q", e.GetAuthor())
			}
		}
	}
}
