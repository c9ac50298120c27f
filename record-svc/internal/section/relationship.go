package section

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// RelationshipKind is how a care relationship that a feed states came to be
// (DOMAIN.md section 5).
type RelationshipKind string

// The kinds that feeds state.
const (
	Registration RelationshipKind = "registration"
	Referral     RelationshipKind = "referral"
	Episode      RelationshipKind = "episode"
	Caseload     RelationshipKind = "caseload"
)

// Relationship is a care relationship as a resource states it. How long it
// outlasts its end is for identity-svc to decide.
type Relationship struct {
	Kind RelationshipKind
	// Key names the resource for its sender, and the holder where it names several.
	Key string
	// ODS code of the organisation that holds it.
	ODS string
	// Team that holds it; empty unless the resource names one.
	Team string
	// Start as stated; zero when the resource does not say.
	Start fhir.Date
	// End as stated; zero while it is open or when it does not say.
	End fhir.Date
	// Closed is true when the resource says that it is over, with or without End.
	Closed bool
	// Withdrawn is true when it never stood: cancelled or entered in error.
	Withdrawn bool
}

// States tells whether resources of the type can state a relationship; the
// deletion of one withdraws what it stated.
func States(resourceType string) bool {
	switch resourceType {
	case "Patient", "Encounter", "ServiceRequest", "CareTeam":
		return true
	}
	return false
}

// Relationships are those that a resource states. key names the resource for
// its sender, ods is the sender.
func Relationships(r *fhir.Resource, key, ods string, sender Kind, find Lookup) []Relationship {
	look := within(r, find)
	switch r.Kind() {
	case "Patient":
		return registration(r, key, look)
	case "Encounter":
		return episode(r, key, ods, sender, look)
	case "ServiceRequest":
		return referral(r, key, ods, look)
	case "CareTeam":
		return caseload(r, key, ods, look)
	}
	return nil
}

// Changed is what to tell of a resource that stated before and now states after:
// all of after, and what is no longer stated, as closed. With gone, for a
// resource that was deleted or taken back, that never stood.
func Changed(before, after []Relationship, gone bool) []Relationship {
	told := append([]Relationship{}, after...)
	still := make(map[string]bool, len(after))
	for _, one := range after {
		still[one.Key] = true
	}
	for _, one := range before {
		if still[one.Key] {
			continue
		}
		one.Closed, one.Withdrawn = true, gone || one.Withdrawn
		told = append(told, one)
	}
	return told
}

// registration is with the GP practice of the person.
func registration(r *fhir.Resource, key string, look Lookup) []Relationship {
	if gp := practice(r, look); gp.ODS != "" {
		return []Relationship{{Kind: Registration, Key: key, ODS: gp.ODS}}
	}
	return nil
}

// practice is the first GP practice that the person names by ODS code.
func practice(r *fhir.Resource, look Lookup) GP {
	for _, gp := range r.GeneralPractitioner {
		if ods := odsOf(gp, look); ods != "" {
			return GP{ODS: ods, Name: first(string(gp.Display), nameOf(look(string(gp.Reference)), look))}
		}
	}
	return GP{}
}

// episode is an encounter with the organisation that gives the care. What is
// only planned has not begun. A contact with the own practice is none: there
// the registration is the relationship.
func episode(r *fhir.Resource, key, ods string, sender Kind, look Lookup) []Relationship {
	class := r.Class.Code()
	if class == "" || (sender == Practice && (class == "AMB" || class == "VR" || class == "HH")) {
		return nil
	}
	state := status(r)
	if state == "planned" {
		return nil
	}
	return []Relationship{{
		Kind: Episode, Key: key, ODS: first(odsOf(r.ServiceProvider, look), ods), Start: r.Period.Start, End: r.Period.End,
		Closed: state == "finished" || !r.Period.End.IsZero(), Withdrawn: state == "cancelled" || state == enteredInError,
	}}
}

// referral is with each organisation that is asked, else with the sender. An
// order for a test is none.
func referral(r *fhir.Resource, key, ods string, look Lookup) []Relationship {
	if !refers(r) {
		return nil
	}
	state := status(r)
	base := Relationship{
		Kind: Referral, Key: key, ODS: ods, Start: firstDate(r.AuthoredOn, r.OccurrenceDateTime, r.OccurrencePeriod.Start),
		End: r.OccurrencePeriod.End, Closed: state == "completed" || state == "revoked", Withdrawn: state == enteredInError,
	}
	var all []Relationship
	for _, performer := range r.Performer {
		asked := odsOf(performer.Who(), look)
		if asked == "" {
			continue
		}
		one := base
		one.ODS, one.Key = asked, key+"/"+asked
		all = append(all, one)
	}
	if len(all) == 0 {
		return []Relationship{base}
	}
	return all
}

// refers tells whether a request is a referral: by SNOMED CT's patient referral
// procedure or in words.
func refers(r *fhir.Resource) bool {
	for _, category := range r.Category {
		if category.Has("3457005") || category.Has("306206005") {
			return true
		}
	}
	return contains(words(r), "refer")
}

// caseload is the team's, held by the organisation that runs it, else the sender.
func caseload(r *fhir.Resource, key, ods string, look Lookup) []Relationship {
	state := status(r)
	if state == "proposed" {
		return nil
	}
	holder := ods
	if managing := odsOf(r.ManagingOrganization.First(), look); managing != "" {
		holder = managing
	}
	return []Relationship{{
		Kind: Caseload, Key: key, ODS: holder, Team: teamName(r), Start: r.Period.Start, End: r.Period.End,
		Closed: state == "inactive" || !r.Period.End.IsZero(), Withdrawn: state == enteredInError,
	}}
}

// odsOf is the ODS code of the organisation that a reference points to, itself
// or through the role of a practitioner; empty when it gives none.
func odsOf(reference fhir.Reference, look Lookup) string {
	if reference.Identifier.System == fhir.SystemODS {
		return odsCode(reference.Identifier)
	}
	found := look(string(reference.Reference))
	if found == nil {
		return ""
	}
	switch found.Kind() {
	case "Organization":
		for _, identifier := range found.Identifier {
			if identifier.System == fhir.SystemODS {
				return odsCode(identifier)
			}
		}
	case "PractitionerRole": // one step further, never in a circle
		if found.Organization.Identifier.System == fhir.SystemODS || !found.Organization.IsZero() {
			return odsOf(found.Organization, organisationsOnly(look))
		}
	}
	return ""
}

// longestODS is above the longest ODS and GSS codes, as the contract bounds them.
const longestODS = 16

// odsCode is an identifier's code in upper case; empty when it cannot be one.
func odsCode(identifier fhir.Identifier) string {
	code := strings.ToUpper(strings.TrimSpace(string(identifier.Value)))
	for _, c := range code {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return ""
		}
	}
	if len(code) > longestODS {
		return ""
	}
	return code
}

// longestTeam is how much of a team's name the contract takes, in characters.
const longestTeam = 200

func teamName(r *fhir.Resource) string {
	name := []rune(string(r.Name.First().Text))
	return string(name[:min(len(name), longestTeam)])
}

func organisationsOnly(look Lookup) Lookup {
	return func(reference string) *fhir.Resource {
		if found := look(reference); found != nil && found.Kind() == "Organization" {
			return found
		}
		return nil
	}
}
