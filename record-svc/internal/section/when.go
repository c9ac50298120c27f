package section

import "github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"

// when gives start, end and the time of recording of what a resource describes.
func when(r *fhir.Resource) (start, end, recorded fhir.Date) {
	switch r.Kind() {
	case "Condition":
		start = firstDate(r.OnsetDateTime, r.OnsetPeriod.Start)
		end = firstDate(r.AbatementDateTime, r.AbatementPeriod.End, r.AbatementPeriod.Start)
		return start, end, r.RecordedDate
	case "AllergyIntolerance":
		return firstDate(r.OnsetDateTime, r.OnsetPeriod.Start), r.OnsetPeriod.End, r.RecordedDate
	case "Procedure":
		return span(r.PerformedDateTime, r.PerformedPeriod, fhir.Date{})
	case "Immunization":
		return r.OccurrenceDateTime, fhir.Date{}, r.Recorded
	case "Observation", "DiagnosticReport":
		return span(firstDate(r.EffectiveDateTime, r.EffectiveInstant), r.EffectivePeriod, r.Issued)
	case "ServiceRequest":
		return span(r.OccurrenceDateTime, r.OccurrencePeriod, r.AuthoredOn)
	case "FamilyMemberHistory", "Composition", "DocumentReference":
		return r.Date, fhir.Date{}, fhir.Date{}
	case "ImagingStudy":
		return r.Started, fhir.Date{}, fhir.Date{}
	case "Goal":
		return firstDate(r.StartDate, r.StatusDate), fhir.Date{}, fhir.Date{}
	case "CarePlan":
		return r.Period.Start, r.Period.End, r.Created
	case "Encounter", "CareTeam", "Flag":
		return r.Period.Start, r.Period.End, fhir.Date{}
	case "RelatedPerson":
		return r.Period.Start, r.Period.End, fhir.Date{}
	}
	return whenMedicated(r)
}

func whenMedicated(r *fhir.Resource) (start, end, recorded fhir.Date) {
	switch r.Kind() {
	case "MedicationRequest":
		return r.AuthoredOn, fhir.Date{}, fhir.Date{}
	case "MedicationStatement":
		return span(r.EffectiveDateTime, r.EffectivePeriod, r.DateAsserted)
	case "MedicationDispense":
		return firstDate(r.WhenHandedOver, r.WhenPrepared), fhir.Date{}, fhir.Date{}
	case "MedicationAdministration":
		return span(r.EffectiveDateTime, r.EffectivePeriod, fhir.Date{})
	}
	return fhir.Date{}, fhir.Date{}, fhir.Date{}
}

// span is the [x] of FHIR: a point in time, or a period.
func span(point fhir.Date, period fhir.Period, noted fhir.Date) (start, end, recorded fhir.Date) {
	return firstDate(point, period.Start), period.End, noted
}

func firstDate(dates ...fhir.Date) fhir.Date {
	for _, date := range dates {
		if !date.IsZero() {
			return date
		}
	}
	return fhir.Date{}
}
