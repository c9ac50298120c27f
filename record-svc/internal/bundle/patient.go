package bundle

import (
	"errors"
	"fmt"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// findPatient finds the one Patient and its NHS number.
func (b *Bundle) findPatient() *Refusal {
	for i := range b.Changes {
		change := &b.Changes[i]
		if change.Key.Type != "Patient" || change.Verb == Delete {
			continue
		}
		if b.Patient != nil {
			text := fmt.Sprintf("A bundle is about one person: entry %d is a Patient already.", b.Patient.Index)
			return refuse(ReasonTwoPatients, at(change.Index, "resource"), text)
		}
		b.Patient = change
	}
	if b.Patient == nil {
		return nil
	}
	number, refusal := nhsNumberOf(b.Patient)
	b.NHSNumber = number
	return refusal
}

// nhsNumberOf is the checked NHS number of a Patient. Several are refused,
// unless all but one are marked old.
func nhsNumberOf(c *Change) (nhsnumber.Number, *Refusal) {
	var found nhsnumber.Number
	for i, identifier := range c.Resource.Identifier {
		if identifier.System != fhir.SystemNHSNumber || identifier.Use == "old" || identifier.Value == "" {
			continue
		}
		where := at(c.Index, fmt.Sprintf("resource.identifier[%d].value", i))
		number, err := nhsnumber.Parse(string(identifier.Value))
		if err != nil {
			return "", invalidNumber(err, where)
		}
		if found != "" && found != number {
			return "", refuse(ReasonSeveralNHSNumbers, where, "The Patient has two NHS numbers.")
		}
		found = number
	}
	if found == "" {
		return "", refuse(ReasonNoNHSNumber, at(c.Index, "resource.identifier"), "The Patient has no NHS number.")
	}
	return found, nil
}

// invalidNumber says what is wrong with a number, in the words of nhsnumber,
// which never quote it.
func invalidNumber(err error, where string) *Refusal {
	text := "This is not an NHS number."
	var why nhsnumber.Error
	if errors.As(err, &why) {
		text += " " + why.Error() + "."
	}
	return refuse(ReasonInvalidNHSNumber, where, text)
}
