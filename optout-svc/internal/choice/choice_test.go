package choice_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
)

// TestTransitions is every step from every kind of standing, allowed and forbidden.
func TestTransitions(t *testing.T) {
	t.Parallel()
	never, out, in := choice.Standing{}, choice.Standing{Number: 1, Sealed: true}, choice.Standing{Number: 2}
	optIn := func(number int64) func(choice.Standing) (choice.Standing, error) {
		return func(s choice.Standing) (choice.Standing, error) { return s.OptIn(number) }
	}
	for name, c := range map[string]struct {
		from, to choice.Standing
		step     func(choice.Standing) (choice.Standing, error)
		err      error
	}{
		"never, out":              {never, out, choice.Standing.OptOut, nil},
		"never, in":               {never, never, optIn(0), choice.ErrNotOut},
		"out, out":                {out, out, choice.Standing.OptOut, choice.ErrAlreadyOut},
		"out, in":                 {out, in, optIn(1), nil},
		"out, in of another":      {out, out, optIn(3), choice.ErrNotOut},
		"in, out":                 {in, choice.Standing{Number: 3, Sealed: true}, choice.Standing.OptOut, nil},
		"in, in":                  {in, in, optIn(2), choice.ErrNotOut},
		"in, in of the first out": {in, in, optIn(1), choice.ErrNotOut},
	} {
		got, err := c.step(c.from)
		if got != c.to || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, c.to, c.err)
		}
	}
}

func TestUndo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from         choice.Standing
		number       int64
		sealedBefore bool
		want         choice.Standing
		err          error
	}{
		"first out, undone":     {choice.Standing{Number: 1, Sealed: true}, 1, false, choice.Standing{Number: 2}, nil},
		"in, undone":            {choice.Standing{Number: 2}, 2, true, choice.Standing{Number: 3, Sealed: true}, nil},
		"sealed before, merged": {choice.Standing{Number: 4, Sealed: true}, 4, true, choice.Standing{Number: 5, Sealed: true}, nil},
		"followed by another":   {choice.Standing{Number: 2}, 1, false, choice.Standing{Number: 2}, choice.ErrNotInForce},
		"not made yet":          {choice.Standing{Number: 2}, 3, true, choice.Standing{Number: 2}, choice.ErrNotInForce},
		"never chose":           {choice.Standing{}, 0, true, choice.Standing{}, choice.ErrNotInForce},
	} {
		if got, err := c.from.Undo(c.number, c.sealedBefore); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, got, err, c.want, c.err)
		}
	}
}

func TestEffect(t *testing.T) {
	t.Parallel()
	s := choice.Standing{Number: 2}
	for _, c := range []struct {
		number    int64
		confirmed bool
		want      choice.Effect
	}{
		{1, false, choice.Superseded}, {1, true, choice.Superseded}, {2, false, choice.Registered}, {2, true, choice.Confirmed},
	} {
		if got := s.Effect(c.number, c.confirmed); got != c.want {
			t.Errorf("choice %d, confirmed %v: %d, want %d", c.number, c.confirmed, got, c.want)
		}
	}
}

// TestStandingFollowsFromHistory: whatever is asked in whatever order, numbers have no gap, choices
// alternate, and who knew only an older choice changes nothing.
func TestStandingFollowsFromHistory(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s choice.Standing
		var history []bool // sealed, by number from 1
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			before := s
			var err error
			if rapid.Bool().Draw(t, "out") {
				s, err = s.OptOut()
			} else {
				s, err = s.OptIn(rapid.Int64Range(0, s.Number+1).Draw(t, "number"))
			}
			if err != nil {
				if s != before {
					t.Fatalf("a refused step changed %+v to %+v", before, s)
				}
				continue
			}
			history = append(history, s.Sealed)
		}
		if s.Number != int64(len(history)) {
			t.Fatalf("number %d after %d choices", s.Number, len(history))
		}
		for i, sealed := range history {
			if sealed != (i%2 == 0) {
				t.Fatalf("choice %d: sealed %v", i+1, sealed)
			}
		}
		if len(history) > 0 && s.Sealed != history[len(history)-1] {
			t.Fatalf("in force is not the last: %+v", s)
		}
	})
}
