package section

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// subject is the concept that a resource is about: what was diagnosed, given,
// measured, planned.
func subject(r *fhir.Resource, look Lookup) fhir.CodeableConcept {
	switch r.Kind() {
	case "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration":
		return medicine(r, look)
	case "Immunization":
		return r.VaccineCode
	case "Encounter":
		return firstOf(r.Type.First(), r.Class)
	case "CarePlan", "CareTeam":
		return r.Category.First()
	case "Goal":
		return r.Description
	case "FamilyMemberHistory":
		return r.Condition.First().Code
	case "DocumentReference", "Composition":
		return r.Type.First()
	case "ImagingStudy":
		return firstOf(r.Modality.First(), r.Series.First().Modality)
	case "Patient", "RelatedPerson":
		return fhir.CodeableConcept{}
	}
	return r.Code
}

// medicine is a concept, or a reference to a Medication, or just its name.
func medicine(r *fhir.Resource, look Lookup) fhir.CodeableConcept {
	if !r.MedicationCodeableConcept.IsZero() {
		return r.MedicationCodeableConcept
	}
	if found := look(string(r.MedicationReference.Reference)); found != nil && !found.Code.IsZero() {
		return found.Code
	}
	return fhir.CodeableConcept{Text: r.MedicationReference.Display}
}

func firstOf(concepts ...fhir.CodeableConcept) fhir.CodeableConcept {
	for _, concept := range concepts {
		if !concept.IsZero() {
			return concept
		}
	}
	return fhir.CodeableConcept{}
}

// codes are all codings of a concept that have a code.
func codes(c fhir.CodeableConcept) []Code {
	var all []Code
	for _, coding := range c.Coding {
		if coding.Code != "" {
			all = append(all, Code{System: string(coding.System), Code: string(coding.Code), Display: string(coding.Display)})
		}
	}
	return all
}

// best is the coding that the user chose, else the one of the system that the
// record prefers, else the first.
func best(c fhir.CodeableConcept) Code {
	chosen, rank := Code{}, 0
	for _, coding := range c.Coding {
		if coding.Code == "" {
			continue
		}
		if r := preference(coding); r > rank {
			chosen = Code{System: string(coding.System), Code: string(coding.Code), Display: string(coding.Display)}
			rank = r
		}
	}
	return chosen
}

func preference(c fhir.Coding) int {
	if c.UserSelected.True() {
		return 6
	}
	switch strings.TrimSuffix(string(c.System), "/") {
	case fhir.SystemSNOMED:
		return 5
	case fhir.SystemDMD:
		return 4
	case fhir.SystemLOINC:
		return 3
	case fhir.SystemICD10:
		return 2
	}
	return 1
}

// label is a concept in words: the display of its best coding, else of any,
// else its text, else the code itself. Where the code says only that the real
// one was lost on its way, the text is the meaning.
func label(c fhir.CodeableConcept) string {
	chosen := best(c)
	if degraded(chosen.Code) && c.Text != "" {
		return string(c.Text)
	}
	if chosen.Display != "" {
		return chosen.Display
	}
	for _, coding := range c.Coding {
		if coding.Display != "" {
			return string(coding.Display)
		}
	}
	if c.Text != "" {
		return string(c.Text)
	}
	return chosen.Code
}

// degraded tells the SNOMED CT codes that GP systems put in place of a code
// that a transfer between systems lost.
func degraded(code string) bool {
	switch code {
	case "196411000000103", // Transfer-degraded record entry
		"196421000000109", // Transfer-degraded medication entry
		"196461000000101", // Transfer-degraded drug allergy
		"196471000000108": // Transfer-degraded non-drug allergy
		return true
	}
	return false
}

// title is what an entry is called. It is never empty.
func title(r *fhir.Resource, concept fhir.CodeableConcept) string {
	switch r.Kind() {
	case "Patient", "RelatedPerson":
		return first(personName(r.Name), spaced(r.Kind()))
	case "CarePlan":
		return first(string(r.Title), label(concept), label(r.Description), spaced(r.Kind()))
	case "CareTeam":
		return first(string(r.Name.First().Text), label(concept), spaced(r.Kind()))
	case "FamilyMemberHistory":
		return family(r)
	case "ImagingStudy":
		return first(label(r.Description), image(r), spaced(r.Kind()))
	case "Composition":
		return first(string(r.Title), label(concept), spaced(r.Kind()))
	}
	return first(label(concept), spaced(r.Kind()))
}

// family is the relative and the illnesses.
func family(r *fhir.Resource) string {
	var illnesses []string
	for _, condition := range r.Condition {
		illnesses = append(illnesses, label(condition.Code))
	}
	relative := first(label(r.Relationship.First()), "relative")
	return strings.Join(present(capital(relative), strings.Join(present(illnesses...), ", ")), ": ")
}

// capital begins a text with a capital letter.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

// image is the modality and the part of the body.
func image(r *fhir.Resource) string {
	series := r.Series.First()
	modality := label(firstOf(r.Modality.First(), series.Modality))
	return strings.Join(present(modality, strings.ToLower(label(series.BodySite))), " of ")
}

// spaced turns a type into words: "Family member history".
func spaced(resourceType string) string {
	var b strings.Builder
	for i, letter := range resourceType {
		if i > 0 && letter >= 'A' && letter <= 'Z' {
			b.WriteByte(' ')
			letter += 'a' - 'A'
		}
		b.WriteRune(letter)
	}
	return b.String()
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// present leaves out what is empty.
func present(texts ...string) []string {
	var some []string
	for _, text := range texts {
		if text != "" {
			some = append(some, text)
		}
	}
	return some
}
