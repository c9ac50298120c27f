package section

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// author is who said it, and whom to call about it, as far as the feed tells.
func author(r *fhir.Resource, look Lookup) (name, contact string) {
	for _, reference := range saidBy(r) {
		found := look(string(reference.Reference))
		name = first(string(reference.Display), nameOf(found, look))
		if name == "" {
			continue
		}
		if found != nil {
			contact = phone(found.Telecom)
		}
		return name, strings.Join(present(name, contact), ", ")
	}
	return "", ""
}

// saidBy are the references that can name an author, the best first. No type
// has all of these elements.
func saidBy(r *fhir.Resource) []fhir.Reference {
	all := append([]fhir.Reference{}, r.Author...)
	all = append(all, r.Recorder, r.Requester, r.InformationSource, r.Asserter)
	for _, performer := range r.Performer {
		all = append(all, performer.Who())
	}
	for _, participant := range r.Participant {
		all = append(all, participant.Individual, participant.Member)
	}
	return all
}

// nameOf is what a supporting resource is called. A role is called by whom it
// is of, else by where it is.
func nameOf(r *fhir.Resource, look Lookup) string {
	if r == nil {
		return ""
	}
	if r.Kind() != "PractitionerRole" {
		return fullName(r.Name)
	}
	for _, reference := range []fhir.Reference{r.Practitioner, r.Organization} {
		if reference.Display != "" {
			return string(reference.Display)
		}
		// One step only: a role that points to a role would go round for ever.
		if found := look(string(reference.Reference)); found != nil && found.Kind() != "PractitionerRole" {
			if name := fullName(found.Name); name != "" {
				return name
			}
		}
	}
	return ""
}

// fullName is a name as it is spoken: "Dr Paul Rastall".
func fullName(names fhir.List[fhir.HumanName]) string {
	name := Official(names)
	parts := append(present(texts(name.Prefix)...), texts(name.Given)...)
	return first(strings.Join(present(append(parts, string(name.Family))...), " "), string(name.Text))
}

// personName is a name as records list it: "Smith, Richard (Mr)".
func personName(names fhir.List[fhir.HumanName]) string {
	name := Official(names)
	given := strings.Join(present(texts(name.Given)...), " ")
	listed := strings.Join(present(string(name.Family), given), ", ")
	if prefix := strings.Join(present(texts(name.Prefix)...), " "); prefix != "" && listed != "" {
		listed += " (" + prefix + ")"
	}
	return first(listed, string(name.Text))
}

// Official is the name that stands for a person: the official one, else the
// usual one, else the first that is not an old one.
func Official(names fhir.List[fhir.HumanName]) fhir.HumanName {
	for _, use := range []fhir.Text{"official", "usual"} {
		for _, name := range names {
			if name.Use == use && name.Period.End.IsZero() {
				return name
			}
		}
	}
	for _, name := range names {
		if name.Use != "old" && name.Use != "maiden" {
			return name
		}
	}
	return names.First()
}

func texts(list fhir.List[fhir.Text]) []string {
	var all []string
	for _, text := range list {
		all = append(all, string(text))
	}
	return all
}

// phone is the first telephone number.
func phone(points fhir.List[fhir.ContactPoint]) string {
	for _, point := range points {
		if point.System == "phone" && point.Value != "" {
			return string(point.Value)
		}
	}
	return ""
}
