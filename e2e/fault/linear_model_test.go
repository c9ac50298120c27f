package fault_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// act is what one operation on a person's record does or finds.
type act int

const (
	optedOut act = iota // an opt-out took effect, and its effect was confirmed
	optedIn             // likewise back in
	shown               // a look was shown the record
	refused             // a look was refused because of an opt-out
)

func (a act) String() string { return [...]string{"opted out", "opted in", "shown", "refused"}[a] }

// deed is one operation of one client on one person: it happened at some instant between began and ended.
// ended is zero when its outcome is not known: it may have happened at any time after it began, or never.
type deed struct {
	client       int
	person       string
	act          act
	began, ended time.Time
}

// register is the whole model of the promise: a person is out or in, a look shows the one or the other, and
// a choice that takes effect is a change. DESIGN section 4: an opt-out is immediate.
var register = porcupine.Model{
	Init: func() any { return false },
	Step: func(state, input, _ any) (bool, any) {
		out := state.(bool)
		switch input.(act) {
		case optedOut:
			return !out, true
		case optedIn:
			return out, false
		case shown:
			return !out, out
		default:
			return out, out
		}
	},
	DescribeOperation: func(input, _ any) string { return input.(act).String() },
}

// checkHistory finds an order of all deeds that fits both their instants and the model, person by person.
// Nil when there is one; else it says whose history has none.
func checkHistory(deeds []deed, limit time.Duration) error {
	byPerson := map[string][]porcupine.Operation{}
	for _, d := range deeds {
		ended := int64(math.MaxInt64)
		if !d.ended.IsZero() {
			ended = d.ended.UnixNano()
		}
		byPerson[d.person] = append(byPerson[d.person], porcupine.Operation{
			ClientId: d.client, Input: d.act, Call: d.began.UnixNano(), Return: ended,
		})
	}
	n := 0
	for _, operations := range byPerson {
		n++
		switch porcupine.CheckOperationsTimeout(register, operations, limit) {
		case porcupine.Illegal:
			return fmt.Errorf("person %d of %d: no order of %d operations fits what was seen", n, len(byPerson), len(operations))
		case porcupine.Unknown:
			return fmt.Errorf("person %d of %d: %d operations were not checked within %v", n, len(byPerson), len(operations), limit)
		}
	}
	return nil
}

// TestHistoryCheckFindsWhatIsWrong: the judge itself. Each history is by hand; instants are in milliseconds.
func TestHistoryCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	at := func(ms int) time.Time { return time.UnixMilli(int64(1000 + ms)) }
	d := func(a act, from, to int) deed { return deed{person: "p", act: a, began: at(from), ended: at(to)} }
	for name, c := range map[string]struct {
		deeds []deed
		good  bool
	}{
		"shown, out, refused":              {[]deed{d(shown, 0, 1), d(optedOut, 2, 4), d(refused, 5, 6)}, true},
		"shown while it takes effect":      {[]deed{d(optedOut, 0, 10), d(shown, 1, 9), d(refused, 11, 12)}, true},
		"shown after it was confirmed":     {[]deed{d(optedOut, 0, 10), d(shown, 11, 12)}, false},
		"refused, then shown, while out":   {[]deed{d(optedOut, 0, 10), d(refused, 1, 2), d(shown, 3, 4)}, false},
		"shown to a slow look":             {[]deed{d(shown, 0, 20), d(optedOut, 1, 10), d(refused, 11, 12)}, true},
		"refused before anybody opted out": {[]deed{d(refused, 0, 1), d(optedOut, 2, 3)}, false},
		"refused after back in":            {[]deed{d(optedOut, 0, 1), d(optedIn, 2, 3), d(refused, 4, 5)}, false},
		"twice out":                        {[]deed{d(optedOut, 0, 1), d(optedOut, 2, 3)}, false},
		"out without an answer":            {[]deed{{person: "p", act: optedOut, began: at(0)}, d(shown, 5, 6), d(refused, 7, 8)}, true},
		"one person is not another":        {[]deed{d(optedOut, 0, 1), {person: "q", act: shown, began: at(5), ended: at(6)}}, true},
	} {
		if err := checkHistory(c.deeds, time.Minute); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
