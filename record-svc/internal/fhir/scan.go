package fhir

import (
	"bytes"
	"strconv"
	"strings"
)

// ReferenceAt is a Reference.reference that a resource holds, and where.
type ReferenceAt struct {
	// Expression is the path below the resource, e.g. "result[2].reference".
	Expression string
	// Reference as written: "Patient/1", "urn:uuid:…", "#contained", a URL.
	Reference string
}

// CodeAt is a code that a resource holds anywhere, contained resources and
// extensions included.
type CodeAt struct {
	// System is the URI of the code system; empty when the code stands alone.
	System string
	// Code as written.
	Code string
}

// Scan is what one pass over a resource finds, whatever element it is in.
type Scan struct {
	References []ReferenceAt
	Codes      []CodeAt
}

// Look makes that pass: one, from the first byte to the last, however the
// resource nests. raw is valid JSON within the depth limit.
func Look(raw []byte) Scan {
	c := cursor{data: raw}
	c.value(space(raw, 0))
	return c.found
}

// cursor steps through JSON and remembers the way down to where it is.
type cursor struct {
	data  []byte
	way   []step
	found Scan
}

// step is a member by name, or an element of a list by index.
type step struct {
	name  []byte
	index int
}

// value steps over the value that starts at at.
func (c *cursor) value(at int) (end int) {
	if at >= len(c.data) {
		return at
	}
	switch c.data[at] {
	case '{':
		return c.object(at)
	case '[':
		return c.list(at)
	}
	return skip(c.data, at)
}

func (c *cursor) list(at int) (end int) {
	c.way = append(c.way, step{index: -1})
	defer func() { c.way = c.way[:len(c.way)-1] }()
	at = space(c.data, at+1)
	for at < len(c.data) && c.data[at] != ']' {
		c.way[len(c.way)-1].index++
		at = next(c.data, c.value(at))
	}
	return min(at+1, len(c.data))
}

// object looks for the pair that makes a Coding. A member that is there twice
// is looked at twice: what hides behind a repeated name must not slip through.
func (c *cursor) object(at int) (end int) {
	var systems, codes []string
	c.way = append(c.way, step{})
	defer func() { c.way = c.way[:len(c.way)-1] }()
	at = space(c.data, at+1)
	for at < len(c.data) && c.data[at] == '"' {
		nameEnd := skipString(c.data, at)
		name := plainName(c.data[at:nameEnd])
		c.way[len(c.way)-1].name = name
		at = space(c.data, space(c.data, nameEnd)+1) // behind the colon
		if at >= len(c.data) {
			break
		}
		end := c.value(at)
		if text, ok := scalar(c.data[at:end]); ok {
			switch string(name) {
			case "system":
				systems = append(systems, text)
			case "code", "valueCode":
				codes = append(codes, text)
			case "reference":
				c.found.References = append(c.found.References, ReferenceAt{Expression: c.expression(), Reference: text})
			}
		}
		at = next(c.data, end)
	}
	c.found.pair(systems, codes)
	return min(at+1, len(c.data))
}

func (s *Scan) pair(systems, codes []string) {
	if len(systems) == 0 {
		systems = []string{""}
	}
	for _, code := range codes {
		for _, system := range systems {
			s.Codes = append(s.Codes, CodeAt{System: system, Code: code})
		}
	}
}

// expression prints the way. A name that no element of FHIR has is not
// repeated: it is the sender's text, and expressions are shown in refusals.
func (c *cursor) expression() string {
	var b strings.Builder
	for _, s := range c.way {
		switch {
		case s.name == nil:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		if elementLike(s.name) {
			b.Write(s.name)
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

// plainName is a member's name without its quotes.
func plainName(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') >= 0 {
		return []byte(unquote(quoted))
	}
	return bytes.Trim(quoted, `"`)
}

// longestElement is well above the longest element name of FHIR R4.
const longestElement = 64

func elementLike(name []byte) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= longestElement
}
