package relationship_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
)

// fold takes statements in the order given.
func fold(statements []relationship.Statement) relationship.Known {
	k := relationship.First(statements[0])
	for _, s := range statements[1:] {
		k, _ = k.Fold(s)
	}
	return k
}

// TestOrderDoesNotMatter draws the statements of one resource, whose state moves on and does not come
// back to an earlier one, and takes them in any order and any number of times.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var inOrder []relationship.Statement
		state := 0
		for i := range rapid.IntRange(1, 8).Draw(t, "statements") {
			state += rapid.IntRange(0, 1).Draw(t, "moves on")
			inOrder = append(inOrder, stated(state, int64(i+1)))
		}
		anyOrder := rapid.Permutation(inOrder).Draw(t, "order")
		again := rapid.IntRange(0, len(anyOrder)).Draw(t, "again")
		anyOrder = append(anyOrder, anyOrder[:again]...)
		got, want := fold(anyOrder), fold(inOrder)
		if got != want {
			t.Fatalf("in any order\n%+v\nin order\n%+v", got, want)
		}
	})
}

// stated is the state number n of a resource: open at one place after the other, then closed, withdrawn.
func stated(n int, sequence int64) relationship.Statement {
	s := relationship.Statement{
		Kind: relationship.Episode, ODSCode: "R0D", StartsAt: noon(), Sequence: sequence, Received: noon().Add(time.Duration(sequence) * time.Hour),
	}
	switch {
	case n < 3:
		s.Team = string(rune('a' + n))
	case n < 6:
		s.ClosedAt = noon().Add(time.Duration(n) * day)
	default:
		s.Withdrawn, s.Team = true, string(rune('a'+n))
	}
	return s
}

func TestRegistrationEnds(t *testing.T) {
	p := relationship.Default()
	at := func(since int64, odsCode string) relationship.Known {
		return relationship.Known{Kind: relationship.Registration, ODSCode: odsCode, StartsAt: noon(), Since: since, Sequence: since, ToldAt: noon().Add(time.Duration(since) * day)}
	}
	closed := func(k relationship.Known, when time.Time) relationship.Known { k.ClosedAt = when; return k }
	withdrawn := func(k relationship.Known) relationship.Known { k.Withdrawn = true; return k }
	for name, c := range map[string]struct {
		all  []relationship.Known
		want []time.Time
	}{
		"one":             {[]relationship.Known{at(1, "A")}, []time.Time{{}}},
		"newer ends old":  {[]relationship.Known{at(1, "A"), at(2, "B")}, []time.Time{noon().Add(2 * day), {}}},
		"in any order":    {[]relationship.Known{at(2, "B"), at(1, "A")}, []time.Time{{}, noon().Add(2 * day)}},
		"mistake undone":  {[]relationship.Known{at(1, "A"), withdrawn(at(2, "B"))}, []time.Time{{}, noon().Add(2 * day)}},
		"deregistered":    {[]relationship.Known{at(1, "A"), closed(at(2, "A"), noon().Add(2*day))}, []time.Time{noon().Add(2 * day), noon().Add(2 * day)}},
		"ended earlier":   {[]relationship.Known{closed(at(1, "A"), noon().Add(day)), at(5, "B")}, []time.Time{noon().Add(day), {}}},
		"nothing at all":  {nil, nil},
		"mistakes only":   {[]relationship.Known{withdrawn(at(1, "A"))}, []time.Time{noon().Add(day)}},
		"three practices": {[]relationship.Known{at(1, "A"), at(3, "C"), at(2, "B")}, []time.Time{noon().Add(3 * day), {}, noon().Add(3 * day)}},
	} {
		got := p.RegistrationEnds(c.all)
		for i := range c.want {
			if !got[i].Equal(c.want[i]) {
				t.Errorf("%s: number %d ends %v, want %v", name, i, got[i], c.want[i])
			}
		}
	}
}
