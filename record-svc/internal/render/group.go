package render

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// pick takes the entries of a section that are shown, newest first. What has no
// date comes last; the rest of the order is there to make it the same each time.
func pick(name section.Name, all []Item) []Item {
	var some []Item
	for _, item := range all {
		if item.Section == name && !item.EnteredInError {
			some = append(some, item)
		}
	}
	slices.SortFunc(some, newestFirst)
	return some
}

func newestFirst(a, b Item) int {
	if a.Instant().IsZero() != b.Instant().IsZero() {
		if a.Instant().IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Or(b.Instant().Compare(a.Instant()), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Display, b.Display),
		cmp.Compare(a.Source.ODS, b.Source.ODS), cmp.Compare(a.ID, b.ID))
}

// group puts together the entries of different organisations that say the same.
// Two of one organisation are two: it knows why it sent both. Where several
// organisations each have several, the first of each belong together, and so on.
func group(items []Item) [][]Item {
	var groups [][]Item
	at := make(map[string]int)
	times := make(map[string]int)
	for _, item := range items {
		if item.Fingerprint == "" {
			groups = append(groups, []Item{item})
			continue
		}
		own := item.Fingerprint + "|" + item.Source.ODS
		nth := item.Fingerprint + "#" + strconv.Itoa(times[own])
		times[own]++
		if i, ok := at[nth]; ok {
			groups[i] = append(groups[i], item)
			continue
		}
		at[nth] = len(groups)
		groups = append(groups, []Item{item})
	}
	return groups
}

// split tells entries from assertions that there is none.
func split(groups [][]Item) (entries, assertions [][]Item) {
	for _, one := range groups {
		if one[0].NoneKnown {
			assertions = append(assertions, one)
		} else {
			entries = append(entries, one)
		}
	}
	return entries, assertions
}

// sources are the ODS codes of all members, each once, in order.
func sources(groups [][]Item) []string {
	var codes []string
	for _, one := range groups {
		for _, item := range one {
			codes = append(codes, item.Source.ODS)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}
