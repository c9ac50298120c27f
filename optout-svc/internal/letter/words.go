package letter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// other is the entry for what words.yaml has no words for: a policy can name evidence and reasons of its own.
const other = "other"

func (t *Templates) parseWords(text []byte) error {
	var read words
	if err := strict(text, &read); err != nil {
		return err
	}
	for _, table := range []map[string]string{read.Systems, read.Evidence, read.Reasons, read.Receipt} {
		for _, words := range table {
			if err := checkText(words); err != nil {
				return err
			}
		}
	}
	t.words = read
	return nil
}

// complete refuses templates that leave something out.
func (t *Templates) complete() error {
	for _, name := range names() {
		if _, ok := t.byName[name]; !ok && name != wordsName {
			return fmt.Errorf("template %s is missing", name)
		}
	}
	w := t.words
	missing := slices.Concat(
		lacking("receipt", w.Receipt, receiptRows()...),
		lacking("systems", w.Systems, SystemChoices, SystemRecord),
		lacking("evidence", w.Evidence, other),
		lacking("reasons", w.Reasons, other),
		lacking("asked", w.Asked, Out, In),
		lacking("channels", w.Channels, Telephone, Online, Post, Leaflet),
	)
	if len(missing) > 0 || w.Version == "" {
		return fmt.Errorf("template words: missing are %s", strings.Join(append(missing, "or the version"), ", "))
	}
	return nil
}

func lacking[K ~string](table string, have map[K]string, want ...K) []string {
	var missing []string
	for _, key := range want {
		if have[key] == "" {
			missing = append(missing, table+"."+string(key))
		}
	}
	return missing
}

// Evidence are the kinds of evidence that the templates have words for. Others are told as "other" is.
func (t *Templates) Evidence() []string { return slices.Sorted(maps.Keys(t.words.Evidence)) }

// Reasons are the reasons of refusals that the templates have words for.
func (t *Templates) Reasons() []string { return slices.Sorted(maps.Keys(t.words.Reasons)) }

// wordsFor is the entry of a table, or that for everything else.
func wordsFor(table map[string]string, key string) string {
	if found := table[key]; found != "" {
		return found
	}
	return table[other]
}

// day is a date as people write it, in the time zone.
func day(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(zone).Format("2 January 2006")
}

// minute is a date and time as people write it, in the time zone.
func minute(at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(zone).Format("3:04pm on 2 January 2006")
}
