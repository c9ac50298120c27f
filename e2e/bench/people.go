package bench

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// practice is where everybody of the bench is registered, and the GP who looks works.
const practice = "J81900"

// sized makes people with so many entries of about 1 KB each, beside their Patient, from four organisations.
func sized(numbers []string, entries int, now time.Time) []county.Person {
	var people []county.Person
	for i, number := range numbers {
		p := county.Person{
			NHSNumber: number, GivenName: "Bench", FamilyName: fmt.Sprintf("Person-%d-%d", entries, i), Gender: "female",
			BirthDate: "1950-01-01", PracticeODS: practice,
		}
		for s, ods := range []string{practice, "R0D", "RBD", "RDY"} {
			p.Bundles = append(p.Bundles, bundleOf(p, ods, entries/4, s, now))
		}
		people = append(people, p)
	}
	return people
}

func bundleOf(p county.Person, ods string, entries, salt int, now time.Time) county.Bundle {
	patient := "bench-" + p.NHSNumber
	resources := []map[string]any{{
		"resourceType": "Patient", "id": patient,
		"identifier": []any{map[string]any{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": p.NHSNumber}},
		"name":       []any{map[string]any{"family": p.FamilyName, "given": []string{p.GivenName}}},
		"gender":     p.Gender, "birthDate": p.BirthDate,
		"generalPractitioner": []any{map[string]any{"identifier": map[string]any{"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": practice}}},
	}}
	for i := range entries {
		resources = append(resources, entryOf(patient, fmt.Sprintf("%s-%s-%d", p.NHSNumber, strings.ToLower(ods), i), salt*entries+i, now))
	}
	return transaction(ods, resources, now)
}

// entryOf is an entry of about 1 KB: an allergy, a medication, a problem or a result in turn.
func entryOf(patient, id string, n int, now time.Time) map[string]any {
	at := now.Add(-time.Duration(n) * 25 * time.Hour).UTC().Format(time.RFC3339)
	subject := map[string]any{"reference": "Patient/" + patient}
	text := fmt.Sprintf("Entry %d. ", n) + strings.Repeat("As discussed with the person and written down in full. ", 12)
	code := map[string]any{"coding": []any{map[string]any{"system": "http://snomed.info/sct", "code": fmt.Sprint(195967001 + n), "display": fmt.Sprintf("Concept of the bench %d", n)}}}
	switch n % 4 {
	case 0:
		return map[string]any{"resourceType": "MedicationRequest", "id": "m-" + id, "status": "active", "intent": "order", "subject": subject,
			"medicationCodeableConcept": code, "authoredOn": at, "dosageInstruction": []any{map[string]any{"text": text}}}
	case 1:
		return map[string]any{"resourceType": "Procedure", "id": "p-" + id, "status": "completed", "subject": subject, "code": code,
			"performedDateTime": at, "note": []any{map[string]any{"text": text}}}
	case 2:
		return map[string]any{"resourceType": "DiagnosticReport", "id": "d-" + id, "status": "final", "subject": subject, "code": code,
			"effectiveDateTime": at, "conclusion": text}
	default:
		return map[string]any{"resourceType": "Observation", "id": "o-" + id, "status": "final", "subject": subject, "code": code,
			"effectiveDateTime": at, "valueString": text}
	}
}

func transaction(ods string, resources []map[string]any, now time.Time) county.Bundle {
	entries := make([]any, 0, len(resources))
	for _, r := range resources {
		url := fmt.Sprintf("%s/%s", r["resourceType"], r["id"])
		entries = append(entries, map[string]any{"resource": r, "request": map[string]any{"method": "PUT", "url": url}})
	}
	text, err := json.Marshal(map[string]any{
		"resourceType": "Bundle", "type": "transaction", "timestamp": now.UTC().Format(time.RFC3339Nano), "entry": entries,
	})
	if err != nil {
		panic(err) // maps of text, which always print
	}
	return county.Bundle{ODSCode: ods, JSON: text, Entries: len(resources)}
}
