package render

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// Line is an entry as the flat list shows it: the head of a group, with all of the group's sources, so that
// the list and the record show the same entries.
type Line struct {
	// ID of the head.
	ID      string
	Section section.Name
	// SortAt orders the list; zero for an entry without a date.
	SortAt time.Time
	// Codes that the filter by code finds it by: each code, and each system|code.
	Codes []string
	// Members of the group, the head first.
	Members []Member
	// Full is the JSON of the entry; Summary is nil where the summary leaves it out.
	Full, Summary []byte
}

// Member is one organisation's part of a line.
type Member struct {
	ODS      string
	Received time.Time
}

// Lines renders the entries of a section one by one. Assertions that there is none are no entries.
func Lines(name section.Name, isMasked bool, all []Item) ([]Line, error) {
	shown := pick(name, all)
	if isMasked {
		shown = mask(shown, all)
	}
	entries, _ := split(group(shown))
	summarised := make(map[string]bool)
	for _, one := range summarise(name, entries) {
		summarised[one[0].ID] = true
	}
	lines := make([]Line, 0, len(entries))
	for _, one := range entries {
		line, err := lineOf(name, isMasked, one, summarised[one[0].ID])
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func lineOf(name section.Name, isMasked bool, members []Item, inSummary bool) (Line, error) {
	head := members[0]
	line := Line{ID: head.ID, Section: name, SortAt: head.Instant()}
	for _, member := range members {
		line.Members = append(line.Members, Member{ODS: member.Source.ODS, Received: member.Received})
	}
	for _, code := range head.Codes {
		line.Codes = append(line.Codes, code.Code)
		if code.System != "" {
			line.Codes = append(line.Codes, code.System+"|"+code.Code)
		}
	}
	var err error
	if line.Full, err = flat(name, Form{Full, isMasked}, members); err == nil && inSummary {
		line.Summary, err = flat(name, Form{Summary, isMasked}, members)
	}
	return line, err
}

// flat is the JSON of a group for the flat list, which names its section.
func flat(name section.Name, form Form, members []Item) ([]byte, error) {
	e := entry(name, form, members)
	e.Section = name
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("render line of %s: %w", name, err)
	}
	return text, nil
}
