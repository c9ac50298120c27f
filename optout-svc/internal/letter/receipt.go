package letter

import "strings"

// receipt is those rows that have something to say.
func (w *writing) receipt(names []string) []Row {
	var rows []Row
	for _, name := range names {
		for _, value := range w.row(name) {
			if value != "" {
				rows = append(rows, Row{Name: w.fill(w.templates.words.Receipt[name]), Value: value})
			}
		}
	}
	return rows
}

// row gives the values of a row; "systems" has one for each system.
func (w *writing) row(name string) []string {
	f, words := w.facts, w.templates.words
	switch name {
	case "reference":
		return []string{w.fill("{reference}")}
	case "asked":
		return []string{w.fill(words.Asked[f.Choice])}
	case "asked_by":
		if f.Requester == "" {
			return []string{f.Person}
		}
		return []string{f.Requester}
	case "asked_for":
		if f.Requester == "" {
			return nil
		}
		return []string{f.Person}
	case "asked_on":
		return []string{day(f.AskedAt, w.sender.Zone)}
	case "channel":
		return []string{w.fill(words.Channels[f.Channel])}
	case "due":
		return []string{day(f.DueAt, w.sender.Zone)}
	case "effective":
		return []string{minute(w.effective(), w.sender.Zone)}
	case "systems":
		return w.systems()
	case "officer":
		return []string{w.officer()}
	}
	return nil
}

// systems are where the choice is in effect, each with its own time.
func (w *writing) systems() []string {
	var lines []string
	for _, e := range w.facts.Effects {
		if name := w.templates.words.Systems[e.System]; name != "" {
			lines = append(lines, w.fill(name)+": "+minute(e.At, w.sender.Zone))
		}
	}
	return lines
}

// officer is how the privacy officer is reached, on one line.
func (w *writing) officer() string {
	s := w.sender
	parts := []string{s.Name}
	for _, part := range []string{s.Phone, s.Email, strings.Join(s.Address, ", ")} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}
