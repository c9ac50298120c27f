package letter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrFacts says that the facts do not make a letter: no reference, an unknown kind or format, no time zone.
var ErrFacts = errors.New("these facts make no letter")

// Compose puts facts into words. Equal facts give equal words. The error is ErrFacts.
func (t *Templates) Compose(f Facts, s Sender) (Content, error) {
	if f.Reference == "" || !slices.Contains(Kinds(), f.Kind) || !slices.Contains(Formats(), f.Format) || s.Zone == nil {
		return Content{}, fmt.Errorf("%w: kind %q, format %q", ErrFacts, f.Kind, f.Format)
	}
	f, s = reveal(f), cleanSender(s)
	w := &writing{templates: t, facts: f, sender: s}
	w.values = strings.NewReplacer(w.pairs()...)
	tpl := t.template(f)
	c := Content{
		Kind: f.Kind, Format: f.Format, Template: tpl.name + " " + tpl.Version,
		Title: w.fill(tpl.Title), Short: w.fill(tpl.Message),
		Sender: append([]string{s.Name}, s.Address...), Foot: w.fill("{reference}"),
	}
	for _, b := range tpl.Blocks {
		if part, ok := w.part(b); ok {
			c.Parts = append(c.Parts, part)
		}
	}
	return c, nil
}

// harmless are the reasons that tell the unproved nothing but what they did or did not do themselves. The
// others would tell whether a person is known, or has opted out.
func harmless() []string {
	return []string{"evidence_missing", "evidence_insufficient", "not_confirmed"}
}

// reveal takes away what a letter to somebody whose identity is not proved must not say: all but the
// reference, for a confirmation code its end too, for evidence what is wanted, for a refusal a harmless reason.
func reveal(f Facts) Facts {
	if f.Kind == ConfirmationCode {
		f.Verified = false
	}
	if f.Verified {
		f.Person, f.Requester = cleanName(f.Person), cleanName(f.Requester)
		return f
	}
	if !slices.Contains(harmless(), f.Reason) {
		f.Reason = other
	}
	return Facts{
		Kind: f.Kind, Format: f.Format, Reference: f.Reference, Wanted: f.Wanted, Reason: f.Reason,
		CodeUntil: f.CodeUntil,
	}
}

func (t *Templates) template(f Facts) template {
	if f.Format == EasyRead {
		return t.byName[string(f.Kind)+".easy"]
	}
	return t.byName[string(f.Kind)]
}

// writing is one letter being put into words.
type writing struct {
	templates *Templates
	facts     Facts
	sender    Sender
	values    *strings.Replacer
}

// pairs are the placeholders with their values, for one pass over a text: no value is looked at again.
func (w *writing) pairs() []string {
	f, zone := w.facts, w.sender.Zone
	to := f.Person
	if f.ToRequester && f.Requester != "" {
		to = f.Requester
	}
	if to != "" {
		to = " " + to
	}
	return []string{
		"{to}", to, "{person}", f.Person, "{requester}", f.Requester, "{reference}", cleanLine(f.Reference),
		"{asked_on}", day(f.AskedAt, zone), "{due}", day(f.DueAt, zone), "{effective}", minute(w.effective(), zone),
		"{reason}", wordsFor(w.templates.words.Reasons, f.Reason), "{code}", string(codeMark),
		"{code_until}", minute(f.CodeUntil, zone),
		"{officer}", w.sender.Name, "{phone}", w.sender.Phone, "{email}", w.sender.Email,
	}
}

// effective is since when the choice is in effect everywhere.
func (w *writing) effective() time.Time {
	var last time.Time
	for _, e := range w.facts.Effects {
		if e.At.After(last) {
			last = e.At
		}
	}
	return last
}

// fill puts the values in, and makes lines of a template's source one.
func (w *writing) fill(text string) string {
	return w.values.Replace(strings.Join(strings.Fields(text), " "))
}

// part is a block in words; false when it says nothing in this letter.
func (w *writing) part(b block) (Part, bool) {
	for _, condition := range b.When {
		if !w.holds(condition) {
			return Part{}, false
		}
	}
	p := Part{Heading: w.fill(b.Heading), Text: w.fill(b.Text), Rows: w.receipt(b.Receipt)}
	for _, item := range b.List {
		p.List = append(p.List, w.fill(item))
	}
	if b.Wanted {
		p.List = w.wanted()
	}
	return p, p.Heading != "" || p.Text != "" || len(p.List) > 0 || len(p.Rows) > 0
}

func (w *writing) holds(condition string) bool {
	f := w.facts
	switch condition {
	case "out":
		return f.Choice == Out
	case "in":
		return f.Choice == In
	case "verified":
		return f.Verified
	case "unverified":
		return !f.Verified
	case "self":
		return f.Verified && f.Requester == ""
	case "other":
		return f.Requester != ""
	case "to_requester":
		return f.Requester != "" && f.ToRequester
	case "to_person":
		return f.Requester != "" && !f.ToRequester
	case "emergency_never":
		return !f.EmergencyShows
	}
	return false // no template that was loaded gets here
}

// wanted are the kinds of evidence in words, each once.
func (w *writing) wanted() []string {
	var items []string
	for _, kind := range w.facts.Wanted {
		if item := w.fill(wordsFor(w.templates.words.Evidence, kind)); !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		items = append(items, w.fill(w.templates.words.Evidence[other]))
	}
	return items
}
