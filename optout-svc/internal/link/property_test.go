package link_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/link"
)

// numbers are enough for groups of several links.
func numbers() []string { return []string{"a", "b", "c", "d"} }

// bond is one link between two numbers.
type bond struct {
	a, b  string
	state link.State
	// What the story says, told without the rules: that the link was heard of, and that its end was.
	begun, ended bool
}

// told is a message about a link, or a seal for record-svc.
type told struct {
	bond   int
	unlink bool
	number string
	seal   choice.Standing
}

// county is optout-svc and record-svc as the rules see them: what is in force, and every message that was ever
// sent and may come at any time, again and again.
type county struct {
	t        *rapid.T
	inForce  map[string]choice.Standing
	bonds    []bond
	links    []told
	seals    []told
	record   map[string]choice.Standing
	history  map[string][]bool
	expected map[string]bool // who must be sealed, told from the story alone
}

func newCounty(t *rapid.T) *county {
	return &county{t: t, inForce: map[string]choice.Standing{}, record: map[string]choice.Standing{}, history: map[string][]bool{}, expected: map[string]bool{}}
}

// group are all numbers linked with one, itself included.
func (c *county) group(of string) []link.Member {
	in := map[string]bool{of: true}
	for range c.bonds {
		for _, b := range c.bonds {
			if b.state == link.Linked && (in[b.a] || in[b.b]) {
				in[b.a], in[b.b] = true, true
			}
		}
	}
	var group []link.Member
	for _, n := range numbers() {
		if in[n] {
			group = append(group, link.Member{NHSNumber: n, Standing: c.inForce[n]})
		}
	}
	return group
}

// apply makes choices, and sends a seal for each.
func (c *county) apply(next ...link.Member) {
	for _, m := range next {
		if was := c.inForce[m.NHSNumber]; m.Standing.Number != was.Number+1 || m.Standing.Sealed == was.Sealed {
			c.t.Fatalf("%s chose %+v after %+v", m.NHSNumber, m.Standing, was)
		}
		c.inForce[m.NHSNumber] = m.Standing
		c.history[m.NHSNumber] = append(c.history[m.NHSNumber], m.Standing.Sealed)
		c.seals = append(c.seals, told{number: m.NHSNumber, seal: m.Standing})
	}
}

func (c *county) expect(sealed bool, group []link.Member) {
	for _, m := range group {
		c.expected[m.NHSNumber] = sealed
	}
}

// choose has a person choose under one of their numbers.
func (c *county) choose(t *rapid.T) {
	n, out := rapid.SampledFrom(numbers()).Draw(t, "number"), rapid.Bool().Draw(t, "out")
	was := c.inForce[n]
	if was.Sealed == out {
		return // a duplicate, or nothing to withdraw
	}
	chosen := link.Member{NHSNumber: n, Standing: choice.Standing{Number: was.Number + 1, Sealed: out}}
	c.apply(append([]link.Member{chosen}, link.Follow(chosen, c.group(n))...)...)
	c.expect(out, c.group(n))
}

// merge sends a message to link two numbers, which may come at any time.
func (c *county) merge(t *rapid.T) {
	two := rapid.SampledFrom([][2]string{{"a", "b"}, {"b", "c"}, {"c", "d"}, {"a", "c"}}).Draw(t, "two")
	c.bonds = append(c.bonds, bond{a: two[0], b: two[1]})
	c.links = append(c.links, told{bond: len(c.bonds) - 1})
}

// unmerge sends the message that undoes a link, whether or not the first one came.
func (c *county) unmerge(t *rapid.T) {
	if len(c.bonds) > 0 {
		c.links = append(c.links, told{bond: rapid.IntRange(0, len(c.bonds)-1).Draw(t, "bond"), unlink: true})
	}
}

// hear has optout-svc hear any message that was ever sent.
func (c *county) hear(t *rapid.T) {
	if len(c.links) == 0 {
		return
	}
	m := rapid.SampledFrom(c.links).Draw(t, "message")
	b := &c.bonds[m.bond]
	var changed bool
	if !m.unlink {
		if b.state, changed = b.state.Link(); changed {
			c.apply(link.Join(c.group(b.a))...)
		}
		if b.begun = b.begun || !b.ended; b.begun && !b.ended {
			for _, one := range c.group(b.a) {
				if c.expected[one.NHSNumber] {
					c.expect(true, c.group(b.a))
				}
			}
		}
		return
	}
	if b.state, changed = b.state.Unlink(); changed {
		for _, n := range []string{b.a, b.b} {
			c.apply(link.Seal(c.group(n))...)
		}
	}
	if !b.ended { // the first time that it is heard of counts, and no other
		b.ended = true
		for _, n := range []string{b.a, b.b} {
			c.expect(true, c.group(n))
		}
	}
}

// seal has record-svc hear any seal that was ever sent; it keeps the highest.
func (c *county) seal(t *rapid.T) {
	if len(c.seals) == 0 {
		return
	}
	m := rapid.SampledFrom(c.seals).Draw(t, "seal")
	if was := c.record[m.number]; m.seal.Number > was.Number {
		c.record[m.number] = m.seal
	}
}

// check: linked numbers are sealed alike, and whoever is out by any of them is out by all.
func (c *county) check(t *rapid.T) {
	for _, b := range c.bonds {
		if (b.state == link.Linked) != (b.begun && !b.ended) {
			t.Fatalf("a link is %d, of which was heard: begun %v, ended %v", b.state, b.begun, b.ended)
		}
		if b.state == link.Linked && c.inForce[b.a].Sealed != c.inForce[b.b].Sealed {
			t.Fatalf("%s is %+v, %s is %+v, and they are linked", b.a, c.inForce[b.a], b.b, c.inForce[b.b])
		}
	}
	for _, n := range numbers() {
		if c.inForce[n].Sealed != c.expected[n] {
			t.Fatalf("%s is %+v, which must be sealed: %v", n, c.inForce[n], c.expected[n])
		}
		if kept := c.record[n]; kept.Number > c.inForce[n].Number || kept.Number > 0 && kept.Sealed != c.history[n][kept.Number-1] {
			t.Fatalf("record-svc keeps %+v of %s, whose choices were %v", kept, n, c.history[n])
		}
	}
}

// TestLinkedAreSealedAlike goes through random stories: choices, merges and their undoing, with all messages late,
// doubled and in any order. Both numbers are sealed whenever either is out, and in the end record-svc has it too.
func TestLinkedAreSealedAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newCounty(t)
		t.Repeat(map[string]func(*rapid.T){
			"": c.check, "choose": c.choose, "merge": c.merge, "unmerge": c.unmerge, "hear": c.hear, "seal": c.seal,
		})
		for _, m := range c.seals { // each arrives at last, once more
			if was := c.record[m.number]; m.seal.Number > was.Number {
				c.record[m.number] = m.seal
			}
		}
		for n, inForce := range c.inForce {
			if c.record[n] != inForce {
				t.Fatalf("record-svc keeps %+v of %s, in force is %+v", c.record[n], n, inForce)
			}
		}
	})
}
