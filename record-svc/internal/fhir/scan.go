package fhir

import "strconv"

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

// Look makes that pass. raw is valid JSON within the depth limit.
func Look(raw []byte) Scan {
	var s Scan
	s.value(raw, "")
	return s
}

func (s *Scan) value(raw []byte, path string) {
	at := space(raw, 0)
	if at >= len(raw) {
		return
	}
	switch raw[at] {
	case '{':
		s.object(raw, path)
	case '[':
		index := 0
		for element := range Elements(raw) {
			if element[0] == '{' || element[0] == '[' {
				s.value(element, path+"["+strconv.Itoa(index)+"]")
			}
			index++
		}
	}
}

// object looks for the pair that makes a Coding. A member that is there twice
// is looked at twice: what hides behind a repeated name must not slip through.
func (s *Scan) object(raw []byte, path string) {
	var systems, codes []string
	for name, value := range members(raw) {
		switch value[0] {
		case '{', '[':
			s.value(value, join(path, name))
			continue
		}
		switch name {
		case "system":
			text, _ := scalar(value)
			systems = append(systems, text)
		case "code", "valueCode":
			text, _ := scalar(value)
			codes = append(codes, text)
		case "reference":
			text, _ := scalar(value)
			s.References = append(s.References, ReferenceAt{Expression: join(path, name), Reference: text})
		}
	}
	s.pair(systems, codes)
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

// join adds a member to a path. A name that no element of FHIR has is not
// repeated: it is the sender's text, and paths are shown in refusals.
func join(path, name string) string {
	if !elementLike(name) {
		name = "_"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// longestElement is well above the longest element name of FHIR R4.
const longestElement = 64

func elementLike(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' {
			return false
		}
	}
	return name != "" && len(name) <= longestElement
}
