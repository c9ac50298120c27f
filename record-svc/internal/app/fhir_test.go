package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// The people of the tests, by numbers of the test range.
const (
	alice = "9990002673"
	bob   = "9990019576"
)

// resource is a FHIR resource, or a part of one.
type resource map[string]any

// with is the resource with some members changed; nil takes one away.
func (r resource) with(change resource) resource {
	changed := maps.Clone(r)
	for name, value := range change {
		if value == nil {
			delete(changed, name)
			continue
		}
		changed[name] = value
	}
	return changed
}

func (r resource) text() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // a test that builds what is no JSON
	}
	return string(text)
}

func (r resource) target() string { return fmt.Sprintf("%s/%s", r["resourceType"], r["id"]) }

const nhsNumberSystem = "https://fhir.nhs.uk/Id/nhs-number"

// patientOf is a Patient with id "p".
func patientOf(number, family, given, born string) resource {
	return resource{
		"resourceType": "Patient", "id": "p", "identifier": []any{resource{"system": nhsNumberSystem, "value": number}},
		"name":      []any{resource{"use": "official", "family": family, "given": []string{given}}},
		"birthDate": born,
	}
}

// aliceAtHome is Alice as her surgery knows her.
func aliceAtHome() resource { return patientOf(alice, "Carter", "Alice", "1950-03-02") }

func bobAtHome() resource { return patientOf(bob, "Mason", "Bob", "1971-07-09") }

func snomed(code, display string) resource {
	return resource{"coding": []any{resource{"system": "http://snomed.info/sct", "code": code, "display": display}}}
}

// about is a resource of a type about the patient of its bundle.
func about(kind, id string, members resource) resource {
	element := "subject"
	if kind == "AllergyIntolerance" || kind == "Immunization" {
		element = "patient"
	}
	return resource{"resourceType": kind, "id": id, element: resource{"reference": "Patient/p"}}.with(members)
}

// problem is a Condition, active since a day.
func problem(id, code, display, since string) resource {
	return about("Condition", id, resource{"code": snomed(code, display), "clinicalStatus": clinical("active"), "onsetDateTime": since})
}

func clinical(code string) resource { return resource{"coding": []any{resource{"code": code}}} }

func allergy(id, code, display, recorded string) resource {
	return about("AllergyIntolerance", id, resource{"code": snomed(code, display), "clinicalStatus": clinical("active"), "recordedDate": recorded})
}

func medicine(id, code, display, status, on string) resource {
	return about("MedicationRequest", id, resource{"medicationCodeableConcept": snomed(code, display), "status": status, "intent": "order", "authoredOn": on})
}

func result(id, code, display, on string, value float64) resource {
	return about("Observation", id, resource{
		"code": snomed(code, display), "status": "final", "effectiveDateTime": on, "valueQuantity": resource{"value": value, "unit": "mmol/L"},
	})
}

// changed is a resource with meta.lastUpdated.
func changed(r resource, at string) resource {
	return r.with(resource{"meta": resource{"lastUpdated": at}})
}

// put is an entry that updates.
func put(r resource) string {
	return fmt.Sprintf(`{"fullUrl":%q,"resource":%s,"request":{"method":"PUT","url":%q}}`, "https://sender.test/"+r.target(), r.text(), r.target())
}

// puts are several such.
func puts(all ...resource) []string {
	entries := make([]string, len(all))
	for i, r := range all {
		entries[i] = put(r)
	}
	return entries
}

// post is an entry that creates.
func post(r resource, fullURL, condition string) string {
	return fmt.Sprintf(`{"fullUrl":%q,"resource":%s,"request":{"method":"POST","url":%q,"ifNoneExist":%q}}`, fullURL, r.text(), r["resourceType"], condition)
}

// deletes is an entry that deletes Type/id.
func deletes(target string) string {
	return fmt.Sprintf(`{"request":{"method":"DELETE","url":%q}}`, target)
}

// transaction is a bundle without a timestamp.
func transaction(entries ...string) string { return transactionAt("", entries...) }

// transactionAt is a bundle of an instant.
func transactionAt(timestamp string, entries ...string) string {
	if timestamp != "" {
		timestamp = fmt.Sprintf(`"timestamp":%q,`, timestamp)
	}
	return `{"resourceType":"Bundle","type":"transaction",` + timestamp + `"entry":[` + strings.Join(entries, ",") + `]}`
}

// restrictedMeta flags a Patient as sensitive.
func restrictedMeta() resource {
	return resource{"security": []any{resource{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}}}
}
