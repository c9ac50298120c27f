package load

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/feed"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/folder"
)

// Reasons that are ours and not the gateway's.
const (
	// ReasonNoSender: the file's name ends in no ODS code.
	ReasonNoSender = "NO_SENDER_IN_NAME"
	// ReasonNoCredentials: there is no token for the sender.
	ReasonNoCredentials = "NO_CREDENTIALS"
	// ReasonTooLarge: the bundle is over the limit of the gateway, and was not sent.
	ReasonTooLarge = "BUNDLE_TOO_LARGE"
	// ReasonUnreadable: the file could not be read.
	ReasonUnreadable = "FILE_NOT_READABLE"
	// reasonOrganisation is the gateway's for a sender that takes no part in the county's record.
	reasonOrganisation = "NO_ORGANISATION_CONSENT"
)

// maxBundle is the gateway's limit (record-svc's rules of feeds), in bytes.
const maxBundle = 16 << 20

// Result is what became of the bundles.
type Result struct {
	Taken     int // now
	Before    int // by an earlier import, after the journal
	LeftOut   int // of other senders
	Resources int // in the bundles taken now
	Refused   []Outcome
	Failed    []Outcome // the gateway or we had an error of our own; the bundle may be good
}

// Outcome is a bundle that was not taken.
type Outcome struct {
	Bundle    folder.Bundle
	Reason    string
	Status    int // of HTTP; 0 when it was not sent
	RequestID string
}

func unsendable(b folder.Bundle) string {
	switch {
	case b.Sender == "":
		return ReasonNoSender
	case b.Size > maxBundle:
		return ReasonTooLarge
	}
	return ""
}

func (l *loader) note(what func(*Result)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what(l.result)
}

func (l *loader) taken(b folder.Bundle, resources int) {
	l.note(func(r *Result) { r.Taken++; r.Resources += resources })
	l.Meter.done(b.Size, resources, true)
}

func (l *loader) before(b folder.Bundle) {
	l.note(func(r *Result) { r.Before++ })
	l.Meter.done(b.Size, 0, false)
}

func (l *loader) refused(b folder.Bundle, a feed.Answer, resources int) {
	l.note(func(r *Result) { r.Refused = append(r.Refused, Outcome{b, a.Reason, a.Status, a.RequestID}) })
	l.Meter.refusals.Add(1)
	l.Meter.done(b.Size, resources, true)
}

func (l *loader) failed(b folder.Bundle, a feed.Answer) {
	l.note(func(r *Result) { r.Failed = append(r.Failed, Outcome{b, a.Reason, a.Status, a.RequestID}) })
	l.Meter.refusals.Add(1)
	l.Meter.done(b.Size, 0, true)
}

// sorted is the result with its lists by path, whatever the order of answers was.
func (r *Result) sorted() *Result {
	byPath := func(a, b Outcome) int { return cmp.Compare(a.Bundle.Path, b.Bundle.Path) }
	slices.SortFunc(r.Refused, byPath)
	slices.SortFunc(r.Failed, byPath)
	return r
}

// Print writes the report. Paths are masked unless showPaths says that they may name people.
func (r *Result) Print(w io.Writer, showPaths bool) {
	fmt.Fprintf(w, "%d bundles taken (%d resources)", r.Taken, r.Resources)
	if r.Before > 0 {
		fmt.Fprintf(w, ", %d taken before", r.Before)
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(w, ", %d of other senders left out", r.LeftOut)
	}
	fmt.Fprintf(w, ", %d refused, %d failed\n", len(r.Refused), len(r.Failed))
	printOutcomes(w, "refused", r.Refused, showPaths)
	printOutcomes(w, "failed", r.Failed, showPaths)
}

func printOutcomes(w io.Writer, what string, outcomes []Outcome, showPaths bool) {
	by := map[string][]Outcome{}
	for _, o := range outcomes {
		by[o.Reason] = append(by[o.Reason], o)
	}
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		fmt.Fprintf(w, "\n%s, %s: %d\n", what, reason, len(by[reason]))
		for _, o := range by[reason] {
			fmt.Fprintf(w, "  %s\n", o.line(showPaths))
		}
	}
}

func (o Outcome) line(showPaths bool) string {
	parts := []string{o.Bundle.Shown()}
	if showPaths {
		parts[0] = o.Bundle.Path
	}
	if o.Status != 0 {
		parts = append(parts, fmt.Sprintf("status %d", o.Status))
	}
	if o.RequestID != "" {
		parts = append(parts, "request "+o.RequestID)
	}
	return strings.Join(parts, "  ")
}
