package request_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// lines are those of a table in testdata, without comments, each split at its colon.
func lines(t *testing.T, file string) [][2]string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][2]string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		left, right, found := strings.Cut(line, ":")
		if !found {
			t.Fatalf("%s: %q has no colon", file, line)
		}
		all = append(all, [2]string{strings.TrimSpace(left), strings.TrimSpace(right)})
	}
	return all
}

// place is one cell of the product.
type place struct {
	event request.Event
	actor request.Actor
	from  request.State
}

func (p place) String() string { return fmt.Sprintf("%s by %s from %q", p.event, p.actor, p.from) }

// expected reads testdata/steps.txt.
func expected(t *testing.T) (steps map[place]string, closed []string) {
	t.Helper()
	steps = map[place]string{}
	for _, line := range lines(t, "steps.txt") {
		if line[0] == "closed" {
			closed = strings.Fields(line[1])
			continue
		}
		words := strings.Fields(line[0])
		if len(words) != 3 {
			t.Fatalf("steps.txt: %q", line[0])
		}
		from := request.State(words[2])
		if from == "none" {
			from = request.None
		}
		p := place{request.Event(words[0]), request.Actor(words[1]), from}
		if steps[p] != "" || !slices.Contains(request.Events(), p.event) || !slices.Contains(request.Actors(), p.actor) {
			t.Fatalf("steps.txt: %v is there twice or names nothing", p)
		}
		steps[p] = line[1]
	}
	return steps, closed
}

// everything gives every combination of facts for a state.
func everything(from request.State, visit func(request.Facts)) {
	for _, c := range []request.Choice{request.Out, request.In} {
		for _, ch := range request.Channels() {
			for _, r := range request.Requesters() {
				for bits := range 1 << 12 {
					visit(flagged(request.Facts{State: from, Choice: c, Channel: ch, Requester: r}, bits))
				}
			}
		}
	}
}

func flagged(f request.Facts, bits int) request.Facts {
	for i, flag := range []*bool{
		&f.Candidate, &f.Matched, &f.Confirmed, &f.Checked, &f.Asked, &f.SignedOff, &f.Child, &f.SafeguardingEntries,
		&f.SafeguardingAllowed, &f.Sealed, &f.InForce, &f.Expired,
	} {
		*flag = bits>>i&1 == 1
	}
	return f
}

// TestEveryStep tries every state, event and actor. Where the table has the step, with every combination of
// facts: it leads exactly where the hand-written table says. Where it has not, it is refused for the reason
// that fits, whatever the facts.
func TestEveryStep(t *testing.T) {
	t.Parallel()
	want, closed := expected(t)
	for _, from := range request.States() {
		if from.Final() != slices.Contains(closed, string(from)) {
			t.Errorf("%s is final: %v", from, from.Final())
		}
	}
	for _, e := range request.Events() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			for _, p := range places(e) {
				if want[p] == "" {
					refused(t, p, want)
				} else if got := leads(p); got != want[p] {
					t.Errorf("%v leads to %q, want %q", p, got, want[p])
				}
			}
		})
	}
	for p := range want {
		if !slices.Contains(places(p.event), p) {
			t.Errorf("%v is never looked at", p)
		}
	}
}

// places are all of an event.
func places(e request.Event) []place {
	var all []place
	for _, from := range append([]request.State{request.None}, request.States()...) {
		for _, a := range request.Actors() {
			all = append(all, place{e, a, from})
		}
	}
	return all
}

// leads are the states that a step can lead to, in the order of a request's life.
func leads(p place) string {
	reached := map[request.State]bool{}
	everything(p.from, func(f request.Facts) {
		if step, err := request.Next(f, p.event, p.actor); err == nil {
			reached[step.To] = true
		}
	})
	var to []string
	for _, s := range request.States() {
		if reached[s] {
			to = append(to, string(s))
		}
	}
	return strings.Join(to, " ")
}

// refused checks a step that nobody wrote down: facts cannot make it possible.
func refused(t *testing.T, p place, want map[place]string) {
	t.Helper()
	reason := request.ReasonStep
	for _, a := range request.Actors() {
		if want[place{p.event, a, p.from}] != "" {
			reason = request.ReasonActor
		}
	}
	if p.from.Final() {
		reason = request.ReasonClosed
	}
	all := 1<<12 - 1
	for _, bits := range []int{0, all, all &^ 1, 1 << 1, 0b101010101010} { // without and with all, and some
		f := flagged(request.Facts{State: p.from, Choice: request.Out, Channel: request.Post, Requester: request.Self}, bits)
		if step, err := request.Next(f, p.event, p.actor); !errors.Is(err, &request.Error{Reason: reason}) || step != (request.Step{}) {
			t.Errorf("%v: %+v, %v; want %s", p, step, err, reason)
		}
	}
}

// TestOneRowFits: no facts, event and actor fit two rows that lead to different states, so that the order of
// the table says nothing.
func TestOneRowFits(t *testing.T) {
	t.Parallel()
	for _, e := range request.Events() {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			for _, p := range places(e) {
				if n, facts := request.Ambiguous(p.from, p.event, p.actor, everything); n > 0 {
					t.Errorf("%v: %d combinations fit several rows, such as %+v", p, n, facts)
				}
			}
		})
	}
}

// TestNeeds compares what is outstanding with the hand-written table.
func TestNeeds(t *testing.T) {
	t.Parallel()
	for _, line := range lines(t, "needs.txt") {
		words := strings.Fields(line[0])
		f := request.Facts{State: request.NeedsEvidence, Requester: request.Requester(words[0]), Channel: request.Channel(words[1]), Choice: request.Out}
		for _, word := range words[2:] {
			flag, known := map[string]*bool{
				"matched": &f.Matched, "confirmed": &f.Confirmed, "checked": &f.Checked, "asked": &f.Asked, "signed_off": &f.SignedOff,
				"candidate": &f.Candidate, "child": &f.Child, "entries": &f.SafeguardingEntries, "allowed": &f.SafeguardingAllowed, "-": new(bool),
			}[word]
			if !known {
				t.Fatalf("needs.txt: %q", word)
			}
			*flag = true
		}
		var got []string
		for _, n := range request.Outstanding(f) {
			got = append(got, string(n))
		}
		if len(got) == 0 {
			got = []string{"-"}
		}
		if strings.Join(got, " ") != line[1] {
			t.Errorf("%s: waits for %s, want %s", line[0], strings.Join(got, " "), line[1])
		}
	}
}
