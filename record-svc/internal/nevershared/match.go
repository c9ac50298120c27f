package nevershared

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// system is a code system under one name, whatever a feed calls it.
type system string

// The systems that are written in more than one way, or read in parts.
const (
	snomed system = "snomed"
	icd10  system = "icd10"
	opcs4  system = "opcs4"
	loinc  system = "loinc"
	// unstated is the system of a code that stands alone.
	unstated system = ""
)

func systemOf(uri string) system {
	uri = strings.ToLower(strings.TrimRight(strings.TrimSpace(uri), "/"))
	switch {
	case strings.HasPrefix(uri, "http://snomed.info/sct"), strings.HasPrefix(uri, "https://snomed.info/sct"), uri == "urn:oid:2.16.840.1.113883.6.96":
		return snomed
	case strings.Contains(uri, "icd-10"), uri == "urn:oid:2.16.840.1.113883.6.3":
		return icd10
	case strings.Contains(uri, "opcs-4"):
		return opcs4
	case uri == "http://loinc.org", uri == "https://loinc.org", uri == "urn:oid:2.16.840.1.113883.6.1":
		return loinc
	}
	return system(uri)
}

// classifies tells the systems whose codes contain those that begin with them.
func (s system) classifies() bool { return s == icd10 || s == opcs4 }

// stem is the length of a category in ICD-10 and OPCS-4.
const stem = 3

// classification is a code without its dot, in upper case: o04.9 is O049.
func classification(code string) string {
	return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(code), ".", ""))
}

// Match tells whether one of the codes of a resource is never shared, and the
// category: the first of the set's, so that the answer does not depend on the
// order of the codes. codes are what fhir.Look finds: all of a resource's,
// contained resources and extensions included.
func (s *Set) Match(codes []fhir.CodeAt) (category string, matched bool) {
	found := len(s.categories)
	for _, code := range codes {
		found = min(found, s.find(systemOf(code.System), code.Code))
	}
	if found == len(s.categories) {
		return "", false
	}
	return s.categories[found].Name, true
}

// MatchResource does the same for the bytes of a resource.
func (s *Set) MatchResource(raw []byte) (category string, matched bool) {
	return s.Match(fhir.Look(raw).Codes)
}

// find is the index of the category of a code; one behind the last for none. A
// code that stands alone is looked for in every system but OPCS-4, whose codes
// have ICD-10's form for other things: to hide for nothing is the smaller harm.
func (s *Set) find(where system, code string) int {
	code = strings.TrimSpace(code)
	if where != unstated {
		return s.findIn(where, code)
	}
	found := len(s.categories)
	for _, likely := range [...]system{snomed, icd10, loinc, systemOf(roleCode)} {
		found = min(found, s.findIn(likely, code))
	}
	return found
}

// roleCode is HL7's system of relationships.
const roleCode = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"

func (s *Set) findIn(where system, code string) int {
	found := len(s.categories)
	switch {
	case where.classifies():
		text := classification(code)
		if len(text) < stem {
			return found
		}
		for _, p := range s.prefixes[key{where, text[:stem]}] {
			if strings.HasPrefix(text, p.code) {
				found = min(found, p.category)
			}
		}
	case where == snomed:
		// An expression of several concepts, or a code with its term, is each of
		// its concepts.
		for _, concept := range strings.FieldsFunc(code, func(r rune) bool { return r < '0' || r > '9' }) {
			found = s.lookup(key{snomed, concept}, found)
		}
	default:
		found = s.lookup(key{where, strings.ToUpper(code)}, found)
	}
	return found
}

func (s *Set) lookup(k key, found int) int {
	if category, ok := s.exact[k]; ok {
		return min(found, category)
	}
	return found
}
