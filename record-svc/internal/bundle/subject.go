package bundle

import (
	"strings"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// claim is what one element says about whom a resource is about.
type claim struct {
	change     *Change
	expression string
	// number is set when the element names the person by NHS number, or points
	// to the bundle's Patient.
	number nhsnumber.Number
	// stored is set when it points to a resource that the bundle does not have.
	stored Key
}

// checkLocal refuses what the bundle alone shows to be wrong: subjects that are
// missing, are no patient, or are not the bundle's patient.
func (b *Bundle) checkLocal() *Refusal {
	var refusal *Refusal
	if b.claims, refusal = b.allClaims(); refusal != nil {
		return refusal
	}
	number := b.NHSNumber
	for _, c := range b.claims {
		if c.number == "" {
			continue
		}
		if number != "" && c.number != number {
			return refuse(ReasonSubjectOther, c.expression, "This is about another person than the rest of the bundle.")
		}
		number = c.number
	}
	return nil
}

// allClaims are all that the bundle says about whom it is about.
func (b *Bundle) allClaims() ([]claim, *Refusal) {
	var all []claim
	for i := range b.Changes {
		c := &b.Changes[i]
		if c.Verb == Delete || c.Key.Type == "Patient" {
			continue
		}
		own, refusal := b.claimsOf(c)
		if refusal != nil {
			return nil, refusal
		}
		if len(own) == 0 && !c.Supporting {
			return nil, refuse(ReasonNoSubject, at(c.Index, "resource"), "The resource does not say whom it is about.")
		}
		all = append(all, own...)
	}
	return all, nil
}

func (b *Bundle) claimsOf(c *Change) ([]claim, *Refusal) {
	var all []claim
	subjects := []struct {
		name      string
		reference fhir.Reference
	}{{"subject", c.Resource.Subject}, {"patient", c.Resource.Patient}}
	for _, subject := range subjects {
		if subject.reference.Reference == "" && subject.reference.Identifier.Value == "" {
			continue
		}
		own, refusal := b.claimOf(c, subject.reference, at(c.Index, "resource."+subject.name))
		if refusal != nil {
			return nil, refusal
		}
		all = append(all, own...)
	}
	return all, nil
}

// claimOf reads one reference to a subject: both its parts, where it has both.
func (b *Bundle) claimOf(c *Change, subject fhir.Reference, where string) ([]claim, *Refusal) {
	var all []claim
	number, refusal := logical(subject, where)
	if refusal != nil {
		return nil, refusal
	}
	if number != "" {
		all = append(all, claim{change: c, expression: where, number: number})
	}
	reference := string(subject.Reference)
	if reference == "" {
		if number == "" {
			return nil, refuse(ReasonSubjectUnknown, where+".identifier", "The identifier is not an NHS number.")
		}
		return all, nil
	}
	pointed, refusal := b.pointed(c, reference, where+".reference")
	switch {
	case refusal == nil:
		all = append(all, pointed)
	// A pointer that leads nowhere is outweighed by the NHS number beside it.
	case number == "" || refusal.Reason != ReasonSubjectUnknown:
		return nil, refusal
	}
	return all, nil
}

// byNumber are the forms in which a literal reference is an NHS number: the
// conditional reference of transactions, and the address of a person in PDS.
func byNumber(reference string) (string, bool) {
	for _, prefix := range []string{
		"Patient?identifier=" + fhir.SystemNHSNumber + "|",
		"https://api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/",
	} {
		if number, ok := strings.CutPrefix(unversioned(reference), prefix); ok {
			return number, true
		}
	}
	return "", false
}

// logical is the NHS number of a reference: in its identifier, else in the
// reference itself.
func logical(subject fhir.Reference, where string) (nhsnumber.Number, *Refusal) {
	text, where := string(subject.Identifier.Value), where+".identifier.value"
	if subject.Identifier.System != fhir.SystemNHSNumber {
		text = ""
	}
	if number, ok := byNumber(string(subject.Reference)); ok && text == "" {
		text = number
	}
	if text == "" {
		return "", nil
	}
	number, err := nhsnumber.Parse(text)
	if err != nil {
		return "", invalidNumber(err, where)
	}
	return number, nil
}

// pointed is the claim of a literal reference.
func (b *Bundle) pointed(c *Change, reference, where string) (claim, *Refusal) {
	if _, inBundle := b.entry(reference); inBundle {
		if b.Patient == nil || b.target(reference) != b.Patient {
			return claim{}, refuse(ReasonSubjectNotPatient, where, "The subject is an entry that is no Patient.")
		}
		return claim{change: c, expression: where, number: b.NHSNumber}, nil
	}
	if bound(reference) {
		return claim{}, unresolved(where)
	}
	key, ok := Relative(reference)
	switch {
	case ok && key.Type != "Patient":
		return claim{}, refuse(ReasonSubjectNotPatient, where, "The subject is not a Patient.")
	case !ok:
		return claim{}, refuse(ReasonSubjectUnknown, where, "The subject points to no Patient of this bundle or this sender.")
	}
	return claim{change: c, expression: where, stored: key}, nil
}

func unresolved(where string) *Refusal {
	return refuse(ReasonReference, where, "No entry of the bundle has this fullUrl.")
}
