package section

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// value is what a resource says beyond its code, as text: the measured value,
// the dose, the reason, the steps of a plan. Numbers stay as they were written.
// The concept's own text is part of it where it says more than the display.
func value(r *fhir.Resource, display string) string {
	var said []string
	switch r.Kind() {
	case "Observation":
		said = observed(r)
	case "MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration":
		said = doses(r)
		said = append(said, reasons(r))
	case "Immunization":
		said = present(quantity(r.DoseQuantity), string(r.OccurrenceString), reasons(r))
	case "Patient", "RelatedPerson":
		return demographics(r)
	case "CarePlan", "Goal", "CareTeam":
		said = planned(r, display)
	default:
		said = described(r, display)
	}
	said = append(said, otherText(r, display), notes(r))
	return joined("; ", append(warnings(r), said...)...)
}

// warnings come first: that the resource says what is not to be done, or that a
// modifier that nothing here understands changes what it says.
func warnings(r *fhir.Resource) []string {
	var all []string
	if r.DoNotPerform.True() {
		all = append(all, "NOT to be done or given")
	}
	if len(r.ModifierExtension) > 0 {
		all = append(all, "a modifier of its sender changes the meaning: read the original")
	}
	return all
}

// described is what procedures, problems, encounters, reports and documents add.
func described(r *fhir.Resource, display string) []string {
	said := []string{
		string(r.Conclusion), labels(r.ConclusionCode), string(r.OnsetString), age(r.OnsetAge), string(r.PerformedString),
		label(r.Outcome), reasons(r), where(r),
	}
	if text := string(r.Title); text != display {
		said = append(said, text)
	}
	if r.Kind() != "ImagingStudy" {
		said = append(said, label(r.Description))
	} else if seen := image(r); seen != display {
		said = append(said, seen)
	}
	for _, content := range r.Content {
		said = append(said, string(content.Attachment.Title))
	}
	return said
}

// planned is what a plan, goal or team adds.
func planned(r *fhir.Resource, display string) []string {
	var said []string
	if concept := label(r.Category.First()); concept != display {
		said = append(said, concept)
	}
	if description := label(r.Description); description != display {
		said = append(said, description)
	}
	for _, activity := range r.Activity {
		said = append(said, first(label(activity.Detail.Code), string(activity.Detail.Description)))
	}
	return said
}

// observed is the value of an observation with its unit, or of its components.
func observed(r *fhir.Resource) []string {
	own := first(
		quantity(r.ValueQuantity), label(r.ValueCodeableConcept), string(r.ValueString), string(r.ValueInteger), yesNo(r.ValueBoolean),
		joined(" to ", quantity(r.ValueRange.Low), quantity(r.ValueRange.High)),
		joined(" / ", quantity(r.ValueRatio.Numerator), quantity(r.ValueRatio.Denominator)),
		string(r.ValueTime), r.ValueDateTime.Written, joined(" to ", r.ValuePeriod.Start.Written, r.ValuePeriod.End.Written),
	)
	if own == "" && !r.DataAbsentReason.IsZero() {
		own = "no value: " + label(r.DataAbsentReason)
	}
	said := present(own)
	for _, part := range r.Component {
		measured := first(
			quantity(part.ValueQuantity), label(part.ValueCodeableConcept), string(part.ValueString),
			string(part.ValueInteger), yesNo(part.ValueBoolean),
		)
		if measured == "" && !part.DataAbsentReason.IsZero() {
			measured = "no value: " + label(part.DataAbsentReason)
		}
		said = append(said, labelled(label(part.Code)+" ", measured))
	}
	return append(said, labels(r.Interpretation), where(r))
}

// doses is how a medicine is taken, in the words of the prescriber, else made
// from dose and route.
func doses(r *fhir.Resource) []string {
	var said []string
	for _, dosage := range append(append(fhir.List[fhir.Dosage]{}, r.DosageInstruction...), r.Dosage...) {
		if dosage.Text != "" {
			said = append(said, string(dosage.Text))
			continue
		}
		amount := first(quantity(dosage.Dose), quantity(dosage.DoseAndRate.First().DoseQuantity))
		said = append(said, joined(", ", amount, label(dosage.Route)))
	}
	if r.Kind() == "MedicationDispense" {
		said = append(said, quantity(r.Quantity))
	}
	return said
}

// demographics is a person's particulars.
func demographics(r *fhir.Resource) string {
	said := []string{bare(r), labels(r.Relationship)}
	for _, address := range r.Address {
		said = append(said, place(address))
	}
	for _, point := range r.Telecom {
		said = append(said, labelled(string(point.System)+" ", string(point.Value)))
	}
	for _, contact := range r.Contact {
		name := fullName(fhir.List[fhir.HumanName]{contact.Name})
		said = append(said, labelled("contact: ", joined(" ", name, phone(contact.Telecom))))
	}
	for _, gp := range r.GeneralPractitioner {
		said = append(said, labelled("GP: ", string(gp.Display)))
	}
	return joined("; ", said...)
}

// bare is what an unbroken view of a restricted person shows beside the name:
// the date of birth, and whether the person has died.
func bare(r *fhir.Resource) string {
	said := []string{labelled("born ", r.BirthDate.Day())}
	if r.DeceasedBoolean.True() || !r.DeceasedDateTime.IsZero() {
		said = append(said, strings.TrimSpace("deceased "+r.DeceasedDateTime.Day()))
	}
	return joined("; ", said...)
}

// withhold are the words of a person's address, contacts and GP. Short ones are
// left out, and surnames alone: a house number or Mrs White would match half of
// the record, and what is withheld for nothing may be missed.
func withhold(r *fhir.Resource, practice GP) []string {
	secret := []string{practice.Name, practice.ODS}
	for _, address := range r.Address {
		secret = append(secret, texts(address.Line)...)
		secret = append(secret, string(address.PostalCode), string(address.Text))
	}
	for _, point := range r.Telecom {
		secret = append(secret, string(point.Value))
	}
	for _, contact := range r.Contact {
		secret = append(secret, fullName(fhir.List[fhir.HumanName]{contact.Name}), string(contact.Name.Text))
		for _, point := range contact.Telecom {
			secret = append(secret, string(point.Value))
		}
	}
	for _, gp := range r.GeneralPractitioner {
		secret = append(secret, string(gp.Display), string(gp.Identifier.Value))
	}
	if r.Kind() == "RelatedPerson" {
		secret = append(secret, fullName(r.Name), personName(r.Name))
	}
	long := secret[:0]
	for _, words := range secret {
		if len(words) >= shortestWithheld {
			long = append(long, words)
		}
	}
	return long
}

const shortestWithheld = 5

func place(a fhir.Address) string {
	lines := append(texts(a.Line), string(a.City), string(a.District), string(a.PostalCode))
	return first(strings.Join(present(lines...), ", "), string(a.Text))
}

// reactions is what an allergy did, each in words.
func reactions(r *fhir.Resource) []string {
	if r.Kind() != "AllergyIntolerance" {
		return nil
	}
	var all []string
	for _, reaction := range r.Reaction {
		said := first(labels(reaction.Manifestation), string(reaction.Description))
		said = joined(", ", said, string(reaction.Severity))
		said = joined(" to ", said, label(reaction.Substance))
		all = append(all, present(said)...)
	}
	return all
}

// otherText is the text of the concept where it says more than its display.
func otherText(r *fhir.Resource, display string) string {
	for _, concept := range []fhir.CodeableConcept{r.Code, r.VaccineCode, r.MedicationCodeableConcept, r.Type.First()} {
		text := string(concept.Text)
		if text != "" && !strings.EqualFold(text, display) && !strings.EqualFold(text, label(concept)) {
			return text
		}
	}
	return ""
}

func notes(r *fhir.Resource) string {
	var all []string
	for _, note := range r.Note {
		all = append(all, string(note.Text))
	}
	return joined("; ", all...)
}

func reasons(r *fhir.Resource) string { return labels(r.ReasonCode) }

// where is the part of the body; of an imaging study it is part of its name.
func where(r *fhir.Resource) string { return labels(r.BodySite) }

func labels(concepts fhir.List[fhir.CodeableConcept]) string {
	var all []string
	for _, concept := range concepts {
		all = append(all, label(concept))
	}
	return strings.Join(present(all...), ", ")
}

func quantity(q fhir.Quantity) string {
	if q.Value == "" {
		return ""
	}
	return strings.Join(present(string(q.Comparator)+string(q.Value), first(string(q.Unit), string(q.Code))), " ")
}

func age(q fhir.Quantity) string { return labelled("onset at ", quantity(q)) }

func yesNo(t fhir.Truth) string {
	switch {
	case t.True():
		return "yes"
	case t.False():
		return "no"
	}
	return ""
}

// labelled puts a label before a text; a lone label says nothing.
func labelled(label, text string) string {
	if text == "" {
		return ""
	}
	return strings.TrimSpace(label + text)
}

// joined puts what is there together.
func joined(between string, texts ...string) string { return strings.Join(present(texts...), between) }
