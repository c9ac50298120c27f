package store

import (
	"strings"
	"time"

	"github.com/lib/pq"
)

// textArray is a text array as a column; nil for NULL.
type textArray = pq.StringArray

// array is a text array as a parameter.
func array(all []string) pq.StringArray { return pq.StringArray(all) }

// stamp is an instant as PostgreSQL takes it in an array of text, at its resolution.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00") }

// separator of a list that travels as one text. Codes and ODS codes are printable.
const separator = "\x1f"

func joined(all []string) string {
	clean := make([]string, len(all))
	for i, one := range all {
		clean[i] = strings.ReplaceAll(one, separator, "")
	}
	return strings.Join(clean, separator)
}
