// Package render makes ready JSON of a person's sections: what readers see, in
// full and in summary (DOMAIN.md section 4), and as an unbroken view of a
// restricted person shows it (section 6). It runs at ingest; a view only joins
// the bytes. Equal input gives equal bytes. The names are those of the messages
// SectionView and Entry of dcr.record.v1.
package render

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// Source is an organisation that sends.
type Source struct {
	ODS  string
	Name string
	// Practice is true for a GP practice: its name is withheld from an unbroken
	// view of a restricted person.
	Practice bool
	// Former is true for a practice with which the person is no longer registered.
	Former bool
}

// Item is one entry as it is stored.
type Item struct {
	// ID of the entry.
	ID string
	section.Entry
	Source Source
	// Received is when this version was received.
	Received time.Time
}

// Level is how much of a section is shown.
type Level string

// The levels.
const (
	Full    Level = "full"
	Summary Level = "summary"
)

// Form is one way in which a section is shown.
type Form struct {
	Level Level
	// Masked withholds address, contacts and GP.
	Masked bool
}

// Forms are all forms, for whoever renders every one of them at ingest.
func Forms() []Form {
	return []Form{{Full, false}, {Summary, false}, {Full, true}, {Summary, true}}
}

// Piece is a rendered section, with what the manifest of a view needs.
type Piece struct {
	Section section.Name
	Form    Form
	// JSON of the section.
	JSON []byte
	// Entries shown, after entries that say the same were put together.
	Entries int
	// Sources are the ODS codes of all organisations shown, withheld ones too,
	// in order.
	Sources []string
}

// View is the JSON of a section (dcr.record.v1.SectionView).
type View struct {
	Section        section.Name `json:"section"`
	Level          Level        `json:"level"`
	State          State        `json:"state"`
	Text           string       `json:"text,omitempty"`
	Entries        []Entry      `json:"entries,omitempty"`
	Assertions     []Assertion  `json:"assertions,omitempty"`
	SummarisedFrom int          `json:"summarised_from,omitempty"`
}

// State is what a section says of itself: one of the four things that DOMAIN.md
// section 9 allows.
type State string

// The states. A section that a role may not see is said to be so by NotIncluded.
const (
	StateEntries         State = "entries"
	StateNothingReceived State = "nothing_received"
	StateNoneKnown       State = "none_known"
	StateNotIncluded     State = "not_included"
)

// Entry is the JSON of an entry (dcr.record.v1.Entry).
type Entry struct {
	ID           string        `json:"id"`
	Section      section.Name  `json:"section,omitempty"`
	Type         string        `json:"type"`
	Code         *section.Code `json:"code,omitempty"`
	Display      string        `json:"display"`
	Status       string        `json:"status,omitempty"`
	Start        string        `json:"start,omitempty"`
	End          string        `json:"end,omitempty"`
	Recorded     string        `json:"recorded,omitempty"`
	Author       string        `json:"author,omitempty"`
	Value        string        `json:"value,omitempty"`
	Criticality  string        `json:"criticality,omitempty"`
	Verification string        `json:"verification,omitempty"`
	Reactions    []string      `json:"reactions,omitempty"`
	Contact      string        `json:"contact,omitempty"`
	Sources      []EntrySource `json:"sources"`
	AlsoIDs      []string      `json:"also_ids,omitempty"`
}

// EntrySource is the JSON of an entry's source (dcr.record.v1.EntrySource).
type EntrySource struct {
	ODSCode        string `json:"ods_code,omitempty"`
	Name           string `json:"name"`
	FormerPractice bool   `json:"former_practice,omitempty"`
	ReceivedAt     string `json:"received_at"`
}

// Assertion is the JSON of a statement that none are known (dcr.record.v1.Assertion).
type Assertion struct {
	By      string `json:"by"`
	ODSCode string `json:"ods_code,omitempty"`
	When    string `json:"when,omitempty"`
	Display string `json:"display"`
}

// Section renders one section of a person in one form. all are the person's
// entries of every section, since a mask withholds in each what demographics
// say; those that were entered in error may be among them and are left out.
func Section(name section.Name, form Form, all []Item) (Piece, error) {
	shown := pick(name, all)
	if form.Masked {
		shown = mask(shown, all)
	}
	groups := group(shown)
	piece := Piece{Section: name, Form: form}
	view := View{Section: name, Level: form.Level}
	entries, assertions := split(groups)
	kept := entries
	if form.Level == Summary {
		kept = summarise(name, entries)
		view.SummarisedFrom = len(entries)
	}
	for _, one := range kept {
		view.Entries = append(view.Entries, entry(name, form, one))
	}
	for _, one := range assertions {
		view.Assertions = append(view.Assertions, assertion(one)...)
	}
	view.State, view.Text = state(len(entries), len(kept), view.Assertions)
	var err error
	if piece.JSON, err = json.Marshal(view); err != nil {
		return Piece{}, fmt.Errorf("render %s: %w", name, err)
	}
	piece.Entries = len(kept)
	piece.Sources = sources(append(kept[:len(kept):len(kept)], assertions...))
	return piece, nil
}

// NotIncluded is the JSON of a section that a view leaves out, in the same
// words on every record.
func NotIncluded(name section.Name, text string) ([]byte, error) {
	data, err := json.Marshal(View{Section: name, Level: "none", State: StateNotIncluded, Text: text})
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return data, nil
}
