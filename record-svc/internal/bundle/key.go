package bundle

import (
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// posted is what a repeated POST is known by: ifNoneExist, else its business
// identifier, else its fullUrl. One that has none of them is known by its
// content: sent again unchanged it is the same.
func (e *entry) posted(r *fhir.Resource, content fhir.Digest) string {
	if e.ifNoneExist != "" {
		return bounded(asked(e.ifNoneExist))
	}
	if identifier := business(r); identifier != "" {
		return bounded(identifier)
	}
	if e.fullURL != "" {
		return bounded(e.fullURL)
	}
	return "sha256:" + hex.EncodeToString(content[:])
}

// longestKey is how long a key may be in bytes, since keys are indexed.
const longestKey = 255

// bounded puts the digest of a key in its place when it is longer.
func bounded(id string) string {
	if len(id) <= longestKey {
		return id
	}
	digest := fhir.DigestExact([]byte(id))
	return "long:" + hex.EncodeToString(digest[:])
}

// asked is what an ifNoneExist query names: the business identifier when it is
// that and nothing else, so that the same POST without the query is the same
// resource; otherwise the query itself.
func asked(query string) string {
	query = strings.TrimPrefix(query, "?")
	values, err := url.ParseQuery(query)
	if err == nil && len(values) == 1 && len(values["identifier"]) == 1 {
		if system, value, ok := strings.Cut(values.Get("identifier"), "|"); ok && system != "" && value != "" {
			return system + "|" + value
		}
	}
	return "?" + query
}

// business is the identifier that its sender calls official, else the first
// that has a system. A value without a system is unique nowhere.
func business(r *fhir.Resource) string {
	chosen := ""
	for _, identifier := range r.Identifier {
		if identifier.System == "" || identifier.Value == "" || identifier.Use == "old" {
			continue
		}
		text := string(identifier.System) + "|" + string(identifier.Value)
		if identifier.Use == "official" {
			return text
		}
		if chosen == "" {
			chosen = text
		}
	}
	return chosen
}
