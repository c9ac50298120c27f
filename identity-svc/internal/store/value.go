package store

import (
	"time"

	"github.com/lib/pq"
)

// orZero is a nullable time, the zero time for null.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// orNull is a time, null for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// stringArray is never null, which = ANY would not match.
func stringArray(list []string) pq.StringArray {
	if list == nil {
		return pq.StringArray{}
	}
	return list
}
