package app

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// choose tells a choice and returns the one kept.
func (r *replica) choose(t testing.TB, number string, n int64, sealed bool) *recordv1.ApplyChoiceResponse {
	t.Helper()
	kept, err := r.seal.ApplyChoice(limit(t), &recordv1.ApplyChoiceRequest{NhsNumber: number, ChoiceNumber: n, Sealed: sealed})
	if err != nil {
		t.Fatalf("tell choice: %v", err)
	}
	return kept
}

// TestHighestChoiceWins tells choices late, twice and out of order, before any record exists.
func TestHighestChoiceWins(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	for _, told := range []struct {
		number           int64
		sealed           bool
		kept, keptSealed int64
	}{
		{2, true, 2, 1}, {1, false, 2, 1}, {2, false, 2, 1}, {2, true, 2, 1}, {5, false, 5, 0}, {4, true, 5, 0}, {6, true, 6, 1},
	} {
		got := r.choose(t, alice, told.number, told.sealed)
		if got.GetChoiceNumber() != told.kept || got.GetSealed() != (told.keptSealed == 1) {
			t.Errorf("told %d: keeps %v", told.number, got)
		}
	}
	// The record comes later, and is sealed from its first moment.
	r.accept(t, surgery(), transaction(put(aliceAtHome())))
	_, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(alice, whole(), choice(6))})
	wantReason(t, err, "SEALED")
	for _, bad := range []*recordv1.ApplyChoiceRequest{{NhsNumber: "1234567890", ChoiceNumber: 1}, {NhsNumber: alice}} {
		if _, err := r.seal.ApplyChoice(limit(t), bad); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

// calls are all ways to read a person, under one grant.
func (r *replica) calls(entry string) map[string]func(context.Context, *recordv1.Grant) ([]byte, error) {
	return map[string]func(context.Context, *recordv1.Grant) ([]byte, error){
		"record": func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			resp, err := r.read.GetRecord(ctx, &recordv1.GetRecordRequest{Grant: g})
			return resp.GetBody(), err
		},
		"list": func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			resp, err := r.read.ListEntries(ctx, &recordv1.ListEntriesRequest{Grant: g, PageSize: 10})
			return resp.GetBody(), err
		},
		"second page": func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			resp, err := r.read.ListEntries(ctx, &recordv1.ListEntriesRequest{Grant: g, PageSize: 10, After: "2026-01-01 00:00:00|" + uuid.NewString()})
			return resp.GetBody(), err
		},
		"entry": func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			resp, err := r.read.GetEntry(ctx, &recordv1.GetEntryRequest{Grant: g, Id: entry})
			return resp.GetBody(), err
		},
		"no entry": func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			resp, err := r.read.GetEntry(ctx, &recordv1.GetEntryRequest{Grant: g, Id: uuid.NewString()})
			return resp.GetBody(), err
		},
	}
}

// TestSealed tries every way to read a person with every choice that is not the one in force.
func TestSealed(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	restricted := bobAtHome().with(resource{"meta": restrictedMeta()})
	r.accept(t, surgery(), transaction(put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	r.accept(t, hospital(), transaction(put(restricted), put(problem("c", "1", "Asthma", "2020-01-01"))))
	for _, number := range []string{alice, bob} {
		view, _ := r.record(t, grantFor(number, whole()))
		for how, call := range r.calls(entryID(t, view, "Asthma")) {
			refused := func(when string, n int64, reason string, changes ...func(*recordv1.Grant)) {
				t.Helper()
				body, err := call(limit(t), grantFor(number, whole(), append(changes, choice(n))...))
				if got := fault.ReasonOf(err); err == nil || got != reason || body != nil {
					t.Errorf("%s, %s: %q and %d bytes, want %s", how, when, got, len(body), reason)
				}
			}
			refused("never chose, a choice is claimed", 1, "CHOICE_MISMATCH")
			refused("likewise, masked", 1, "CHOICE_MISMATCH", unbroken)
		}
		r.choose(t, number, 3, true)
		for how, call := range r.calls(entryID(t, view, "Asthma")) {
			for _, n := range []int64{0, 2, 3, 4} {
				for _, change := range []func(*recordv1.Grant){choice(n), unbroken, broken} {
					body, err := call(limit(t), grantFor(number, whole(), change, choice(n)))
					if got := fault.ReasonOf(err); got != "SEALED" || body != nil {
						t.Errorf("%s of a sealed record with choice %d: %q and %d bytes", how, n, got, len(body))
					}
				}
			}
		}
		// Feeds keep it current meanwhile, and opting back in restores the whole picture.
		r.choose(t, number, 4, false)
		for how, call := range r.calls(entryID(t, view, "Asthma")) {
			if _, err := call(limit(t), grantFor(number, whole(), choice(3))); fault.ReasonOf(err) != "CHOICE_MISMATCH" {
				t.Errorf("%s with the choice before: %v", how, err)
			}
			if _, err := call(limit(t), grantFor(number, whole(), choice(4))); err != nil && how != "no entry" {
				t.Errorf("%s after opting back in: %v", how, err)
			}
		}
	}
}

// TestSealIsImmediate races views against choices on two replicas: a view that starts after a choice was
// confirmed shows nothing.
func TestSealIsImmediate(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	a, b := s.start(t), s.start(t)
	a.accept(t, surgery(), transaction(put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	view, _ := a.record(t, grantFor(alice, whole()))
	id := entryID(t, view, "Asthma")
	var open atomic.Int64 // the number of the last choice confirmed as open; 0 while sealed
	a.choose(t, alice, 1, false)
	open.Store(1)
	ctx, cancel := context.WithCancel(limit(t))
	var readers sync.WaitGroup
	var shown, leaked atomic.Int64
	for _, r := range []*replica{a, b} {
		for _, call := range r.calls(id) {
			readers.Go(func() {
				for n := int64(1); ctx.Err() == nil; n = n%80 + 1 {
					// A decision that rests on any choice, perhaps a later one; before is what was confirmed when it began.
					if current := open.Load(); current != 0 {
						n = current
					}
					before := open.Load()
					body, err := call(ctx, grantFor(alice, whole(), choice(n)))
					if err == nil && body != nil {
						shown.Add(1)
						if before == 0 && n%2 == 0 { // an even choice seals, and was confirmed
							leaked.Add(1)
						}
					}
				}
			})
		}
	}
	for n := int64(2); n <= 80; n += 2 {
		open.Store(-n) // on its way
		b.choose(t, alice, n, true)
		open.Store(0)
		for how, call := range a.calls(id) {
			for _, asked := range []int64{n - 1, n, n + 1} {
				if body, err := call(ctx, grantFor(alice, whole(), choice(asked))); fault.ReasonOf(err) != "SEALED" || body != nil {
					t.Fatalf("%s after choice %d was confirmed, asked with %d: %v", how, n, asked, err)
				}
			}
		}
		a.choose(t, alice, n+1, false)
		seen := shown.Load()
		open.Store(n + 1)
		// Each time the record is open somebody sees it, or the next seal would hide nothing from anybody.
		for shown.Load() == seen && ctx.Err() == nil {
			runtime.Gosched()
		}
	}
	if err := ctx.Err(); err != nil {
		t.Fatalf("no view was shown of an open record: %v", err)
	}
	cancel()
	readers.Wait()
	if leaked.Load() != 0 || shown.Load() == 0 {
		t.Errorf("%d views of a sealed record, %d others", leaked.Load(), shown.Load())
	}
}
