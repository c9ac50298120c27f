package app

import (
	"strings"
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
)

// newWatchedSuite is a suite of one replica whose statements are seen.
func newWatchedSuite(t *testing.T) (*suite, *wire) {
	t.Helper()
	s := prepareSuite(t)
	w, through := newWire(t, s.cfg.Config.Database.URL)
	s.cfg.Config.Database.URL = through
	s.start()
	return s, w
}

// TestChoiceIsOneRoundTrip: the fact on the way of every view is one statement by key, prepared, in one round
// trip, whoever is asked about.
func TestChoiceIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	s, w := newWatchedSuite(t)
	s.mustRegister(optOut(person))
	client := s.choices()
	for _, number := range []string{person, otherPerson} {
		ask := func() {
			if _, err := client.GetChoice(limit(t), &optoutv1.GetChoiceRequest{NhsNumber: number}); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			ask() // each connection of the pool prepares for itself, once
		}
		for range 5 {
			texts := w.during(ask)
			if len(texts) != 1 || !strings.Contains(texts[0], "FROM choice_in_force WHERE nhs_number = $1") {
				t.Errorf("asked %q", texts)
			}
		}
	}
}

// outcome is what the public is told, and what it took.
type outcome struct {
	Reason, Text, Status string
	Statements           []string
}

// told makes an outcome of an answer.
func told(status optoutv1.PublicStatus, err error, statements []string) outcome {
	o := outcome{Status: status.String(), Statements: statements}
	if f := fault.FromStatus(err); f != nil {
		o.Reason, o.Text = f.Reason, f.Text
	}
	return o
}

// TestPublicIsToldAlike: whether somebody is known, has opted out already or has another request changes neither
// an answer to the public nor one statement that makes it.
func TestPublicIsToldAlike(t *testing.T) {
	t.Parallel()
	s, w := newWatchedSuite(t)
	known, out := folk(2)[0], folk(2)[1]
	s.people.enter(known)
	s.people.enter(out)
	register := optOut(out.number)
	register.Claimed = &optoutv1.ClaimedPerson{FamilyName: out.family, BirthDate: out.born}
	s.mustRegister(register)
	unknown := somebody{family: "Nobody", born: known.born, postcode: "DT1 1XJ"}
	people := map[string]somebody{"known": known, "opted out": out, "unknown": unknown}

	references := map[string]string{}
	s.alike("submit", people, func(name string) outcome {
		s.people.set(hung) // the background asks whom it means, once, and gets no further
		asked := s.people.questions()
		var got *optoutv1.SubmitOptOutResponse
		var err error
		texts := w.during(func() {
			got, err = s.public().SubmitOptOut(limit(t), form(people[name]))
			s.await("asked", func() bool { return s.people.questions() > asked })
		})
		s.people.set(well)
		references[name] = got.GetReference()
		s.await("compared", func() bool { return s.byReference(got.GetReference()).GetRequestState() != received })
		return told(0, err, texts)
	})
	s.alike("status", people, func(name string) outcome {
		var got *optoutv1.GetOptOutStatusResponse
		var err error
		texts := w.during(func() { got, err = s.status(references[name], known.born) })
		return told(got.GetStatus(), err, texts)
	})
	references["no such reference"] = reference.New()
	people["no such reference"] = somebody{}
	s.alike("status of another", people, func(name string) outcome {
		var err error
		texts := w.during(func() { _, err = s.status(references[name], "1950-01-01") })
		return told(0, err, texts)
	})
	s.alike("confirm", people, func(name string) outcome {
		var err error
		texts := w.during(func() { _, err = s.confirms(references[name], "K7M2-9QXT") })
		return told(0, err, texts)
	})
}

// alike fails unless everybody is told the same.
func (s *suite) alike(what string, people map[string]somebody, ask func(string) outcome) {
	s.t.Helper()
	ask("known") // connections prepare their statements
	want := ask("known")
	if len(want.Statements) == 0 {
		s.t.Errorf("%s: no statement was seen", what)
	}
	for name := range people {
		if diff := cmp.Diff(want, ask(name)); diff != "" {
			s.t.Errorf("%s, %s (-known +%s):\n%s", what, name, name, diff)
		}
	}
}
