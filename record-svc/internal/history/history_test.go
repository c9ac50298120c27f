package history

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

var (
	day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a, b = fhir.Digest{1}, fhir.Digest{2}
)

func day(n int) time.Time { return day0.AddDate(0, 0, n) }

func TestOf(t *testing.T) {
	given := func(n int, content fhir.Digest) Version {
		return Version{Number: n, OrderedAt: day(n), Given: true, Content: content}
	}
	arrived := func(n int, content fhir.Digest) Version {
		return Version{Number: n, OrderedAt: day(n), Content: content}
	}
	tombstone := Version{Number: 2, OrderedAt: day(5), Given: true, Deleted: true}
	cases := []struct {
		name   string
		stored []Version
		change Change
		want   Effect
	}{
		{"first", nil, Change{Order: day(1), Content: a}, Current},
		{"first, unordered", nil, Change{ArrivedAt: day(1), Content: a}, Current},
		{"again", []Version{given(1, a)}, Change{Order: day(1), Content: a}, Nothing},
		{"again, finer than what is stored", []Version{given(1, a)}, Change{Order: day(1).Add(999), Content: a}, Nothing},
		{"newer", []Version{given(1, a)}, Change{Order: day(2), Content: b}, Current},
		{"newer with the same content", []Version{given(1, a)}, Change{Order: day(2), Content: a}, Current},
		{"older", []Version{given(3, a)}, Change{Order: day(2), Content: b}, Late},
		{"older, again", []Version{given(3, a), given(2, b)}, Change{Order: day(2), Content: b}, Nothing},
		{"same order, other content", []Version{given(1, a)}, Change{Order: day(1), Content: b}, Contradiction},
		{"unordered again", []Version{arrived(1, a)}, Change{ArrivedAt: day(2), Content: a}, Nothing},
		{"unordered news", []Version{arrived(1, a)}, Change{ArrivedAt: day(2), Content: b}, Current},
		{"an old copy, unordered", []Version{arrived(1, a), arrived(2, b)}, Change{ArrivedAt: day(3), Content: a}, Stale},
		{"late PUT does not undo a tombstone", []Version{given(1, a), tombstone}, Change{Order: day(4), Content: b}, Late},
		{"later PUT does", []Version{given(1, a), tombstone}, Change{Order: day(6), Content: b}, Current},
		{"old copy after a tombstone, unordered", []Version{arrived(1, a), tombstone}, Change{ArrivedAt: day(9), Content: a}, Stale},
		{"delete", []Version{given(1, a)}, Change{Order: day(2), Deleted: true}, Current},
		{"delete again", []Version{given(1, a), tombstone}, Change{Order: day(5), Deleted: true}, Nothing},
		{"late delete", []Version{given(3, a)}, Change{Order: day(2), Deleted: true}, Late},
		{"delete of what never came", nil, Change{Order: day(2), Deleted: true}, Current},
		{"unordered delete of what was deleted before", []Version{arrived(1, a), {Number: 2, OrderedAt: day(2), Deleted: true}, arrived(3, b)}, Change{ArrivedAt: day(4), Deleted: true}, Current},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Of(c.stored, c.change); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// TestOrderOfArrivalDoesNotMatter sends the same ordered changes, some twice, in many orders: the current
// version is always the one with the latest order.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	changes := make([]Change, 8)
	for i := range changes {
		changes[i] = Change{Order: day(i), Content: fhir.Digest{byte(i + 1)}, Deleted: i == 5}
		if changes[i].Deleted {
			changes[i].Content = fhir.Digest{}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		sent := append(append([]Change{}, changes...), changes[:4]...)
		random.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
		var stored []Version
		for n, c := range sent {
			switch Of(stored, c) {
			case Current, Late:
				stored = append(stored, Version{Number: n + 1, OrderedAt: OrderedAt(stored, c), Given: true, Deleted: c.Deleted, Content: c.Content})
			case Stale, Contradiction:
				t.Fatalf("change %d was refused", n)
			}
		}
		if len(stored) != len(changes) || Newest(stored).Content != changes[7].Content {
			t.Fatalf("%d versions, newest %v", len(stored), Newest(stored))
		}
	}
}

func TestArrivalComesAfterAClockThatRunsAhead(t *testing.T) {
	stored := []Version{{Number: 1, OrderedAt: day(9), Given: true, Content: a}}
	c := Change{ArrivedAt: day(1), Content: b}
	if Of(stored, c) != Current {
		t.Fatal("news without an order must become current")
	}
	if at := OrderedAt(stored, c); !at.After(day(9)) {
		t.Errorf("ordered at %s, before what is stored", at)
	}
}

// What is stored is what PostgreSQL keeps: it rounds, and half of all finer instants would come back later
// than they were sent.
func TestOrderedAtIsStorable(t *testing.T) {
	if got := OrderedAt(nil, Change{Order: day(1).Add(999)}); !got.Equal(day(1)) {
		t.Errorf("got %s", got)
	}
}
