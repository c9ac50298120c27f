package county

import "time"

// resource is a FHIR resource or a part of one, as JSON.
type resource map[string]any

// list is a JSON array.
type list []any

// Systems of codes and identifiers.
const (
	snomed       = "http://snomed.info/sct"
	nhsSystem    = "https://fhir.nhs.uk/Id/nhs-number"
	odsSystem    = "https://fhir.nhs.uk/Id/ods-organization-code"
	sdsSystem    = "https://fhir.nhs.uk/Id/sds-user-id"
	units        = "http://unitsofmeasure.org"
	terminology  = "http://terminology.hl7.org/CodeSystem/"
	localID      = "https://test.invalid/Id/local-record"
	flagCategory = "https://test.invalid/CodeSystem/flag-category"
)

// concept with one SNOMED CT code.
func concept(code, term string) resource {
	return resource{"coding": list{coding(snomed, code, term)}, "text": term}
}

// words is a concept that nobody coded.
func words(text string) resource { return resource{"text": text} }

// coded is a concept of one of HL7's own code systems.
func coded(system, code string) resource {
	return resource{"coding": list{resource{"system": terminology + system, "code": code}}}
}

func coding(system, code, display string) resource {
	return resource{"system": system, "code": code, "display": display}
}

// reference to a resource, with words for those who cannot follow it.
func reference(to, display string) resource {
	return resource{"reference": to, "display": display}
}

// organisationIdentity names an organisation by its ODS code rather than by a resource.
func organisationIdentity(o Organisation) resource {
	return resource{
		"type":       "Organization",
		"identifier": resource{"system": odsSystem, "value": o.ODSCode},
		"display":    o.Name,
	}
}

// instant and date as FHIR writes them.
func instant(at time.Time) string { return at.UTC().Format(time.RFC3339) }
func date(at time.Time) string    { return at.UTC().Format(time.DateOnly) }

// period from start to end; a zero end is open.
func period(start, end time.Time) resource {
	p := resource{"start": instant(start)}
	if !end.IsZero() {
		p["end"] = instant(end)
	}
	return p
}

// note is free text.
func note(text string) list { return list{resource{"text": text}} }
