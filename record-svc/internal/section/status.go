package section

import "github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"

// enteredInError is the code with which every type takes a resource back.
const enteredInError = "entered-in-error"

// status is the resource's own word for how it stands.
func status(r *fhir.Resource) string {
	switch r.Kind() {
	case "Condition", "AllergyIntolerance":
		return r.ClinicalStatus.Code()
	case "Goal":
		return string(r.LifecycleStatus)
	case "Patient", "RelatedPerson":
		if r.Active.False() {
			return "inactive"
		}
		return "active"
	}
	return r.Status.Code()
}

// active tells whether what is described stands now. It goes by what is stated
// and by no clock: a stated end in the past does not end what its sender still
// calls active. No or an unknown status counts as active.
func active(r *fhir.Resource, status, verification string) bool {
	if verification == "refuted" {
		return false
	}
	switch status {
	case "inactive", "resolved", "remission", // Condition, AllergyIntolerance
		"completed", "stopped", "cancelled", "ended", "finished", "not-taken", "not-done", "declined", // orders, events
		"revoked", "rejected", "superseded", "abandoned", // plans, goals, documents
		enteredInError:
		return false
	case "":
		return r.AbatementDateTime.IsZero() && r.AbatementPeriod.End.IsZero()
	}
	return true
}

// noneKnown tells whether the concept asserts that there is none: no allergy,
// no medication, no problem. "No information" is not among them.
func noneKnown(c fhir.CodeableConcept) bool {
	for _, coding := range c.Coding {
		switch coding.Code {
		case "716186003", // SNOMED CT: No known allergy
			"409137002",  // No known drug allergy
			"428607008",  // No known environmental allergy
			"429625007",  // No known food allergy
			"716220001",  // No known animal allergy
			"1003774007", // No known Hevea brasiliensis latex allergy
			"160244002",  // No known allergies (an older concept)
			"787481004",  // No known medications
			"160245001",  // No current problems or disability
			// HL7 International Patient Summary, absent-unknown.
			"no-known-allergies", "no-known-medication-allergies", "no-known-environmental-allergies",
			"no-known-food-allergies", "no-known-medications", "no-known-problems":
			return true
		}
	}
	return false
}
