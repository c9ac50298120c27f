// Package section decides in which section of the record a resource lands and
// what is shown of it (DOMAIN.md section 9). It computes, once at ingest, the
// columns that filters and readers use, so that reading never parses FHIR.
package section

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// Name is a section of the record.
type Name string

// The sections, as the contract names them.
const (
	Demographics Name = "demographics"
	Allergies    Name = "allergies"
	Medication   Name = "medication"
	History      Name = "history"
	CarePlans    Name = "care_plans"
	Results      Name = "results"
	SocialCare   Name = "social_care"
	Safeguarding Name = "safeguarding"
)

// All lists the sections in the order in which a record shows them.
func All() []Name {
	return []Name{Demographics, Allergies, Medication, History, CarePlans, Results, SocialCare, Safeguarding}
}

// Keeping is what the record does with resources of a type.
type Keeping uint8

// What can be done with a type.
const (
	// Unsupported types refuse their bundle, or are ignored by a partner's switch.
	Unsupported Keeping = iota
	// Kept types are entries of the record.
	Kept
	// Supporting types are kept for display and author, and are never entries.
	Supporting
)

// KeepingOf tells what is done with resources of a type.
func KeepingOf(resourceType string) Keeping {
	if _, ok := home(resourceType); ok {
		return Kept
	}
	switch resourceType {
	case "Medication", "Practitioner", "PractitionerRole", "Organization", "Location", "Specimen", "Device":
		return Supporting
	}
	return Unsupported
}

// home is the section of a type, whoever sent it. Flags are placed one by one.
func home(resourceType string) (Name, bool) {
	switch resourceType {
	case "Patient", "RelatedPerson":
		return Demographics, true
	case "AllergyIntolerance":
		return Allergies, true
	case "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration":
		return Medication, true
	case "Condition", "Procedure", "Encounter", "Immunization", "FamilyMemberHistory":
		return History, true
	case "CarePlan", "Goal", "CareTeam", "Flag":
		return CarePlans, true
	case "Observation", "DiagnosticReport", "ImagingStudy", "DocumentReference", "Composition", "ServiceRequest":
		return Results, true
	}
	return "", false
}

// Kind is what the section of a resource depends on in its sender.
type Kind uint8

// The kinds that make a difference.
const (
	// Other is any organisation that is neither of the below.
	Other Kind = iota
	// Council is a local authority: its plans, teams and services are social care.
	Council
	// Practice is a GP practice: its relationship is the registration.
	Practice
)

// Of is the section of a kept resource. False when its type is not kept.
func Of(r *fhir.Resource, sender Kind) (Name, bool) {
	name, ok := home(r.Kind())
	if !ok {
		return "", false
	}
	if r.Kind() == "Flag" {
		return flagged(r), true
	}
	if sender == Council {
		switch r.Kind() {
		case "CarePlan", "Goal", "CareTeam", "ServiceRequest":
			return SocialCare, true
		}
	}
	return name, true
}

// flagged is the section of a Flag: safeguarding for that category, otherwise
// the section that it warns about, otherwise care plans. For safeguarding and
// allergies the words count beside the category, in either element: there is no
// national code for the one, and what warns of the other often comes as a diet.
// A safeguarding flag in a section that more roles see is the worst mistake, so
// it is looked for first.
func flagged(r *fhir.Resource) Name {
	said := words(r)
	switch {
	case r.Code.Has(childProtectionPlan) ||
		contains(said, "safeguarding", "child protection", "at risk of abuse", "domestic abuse", "domestic violence", "looked after child"):
		return Safeguarding
	case contains(said, "allerg", "anaphyla", "intolerance"):
		return Allergies
	case inCategory(r, "drug", "medication"):
		return Medication
	case inCategory(r, "lab", "laboratory"):
		return Results
	case inCategory(r, "social care", "social-care"):
		return SocialCare
	}
	return CarePlans
}

// childProtectionPlan is SNOMED CT's Subject to child protection plan.
const childProtectionPlan = "878111000000109"

// inCategory tells whether a category is one of names, by code or in words.
func inCategory(r *fhir.Resource, names ...string) bool {
	for _, category := range r.Category {
		for _, name := range names {
			if category.Has(name) || strings.EqualFold(string(category.Text), name) {
				return true
			}
		}
	}
	return false
}

// words are everything that the category and code of a flag say, each in
// spaces, lower case.
func words(r *fhir.Resource) string {
	var b strings.Builder
	add := func(c fhir.CodeableConcept) {
		for _, coding := range c.Coding {
			b.WriteString(" " + string(coding.Code) + " | " + string(coding.Display) + " |")
		}
		b.WriteString(" " + string(c.Text) + " |")
	}
	for _, category := range r.Category {
		add(category)
	}
	add(r.Code)
	return strings.ToLower(b.String())
}

// contains tells whether one of the stems starts a word of text.
func contains(text string, stems ...string) bool {
	for _, stem := range stems {
		if strings.Contains(text, " "+stem) {
			return true
		}
	}
	return false
}
