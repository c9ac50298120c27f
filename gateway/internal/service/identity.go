package service

import (
	"context"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// sameIdentity refuses a choice whose name or birth date contradict the person
// known under the number (DOMAIN.md section 7): somebody may have misread a
// digit. A number of whom nothing is known yet may be named.
func (d *desk) sameIdentity(ctx context.Context, n nhsnumber.Number, familyName, birthDate string) error {
	if !isDate(birthDate) || birthDate > d.now().UTC().Format(dateForm) {
		return fault.Invalid(ReasonInvalidArgument, "birth_date", "must be a date as YYYY-MM-DD, not in the future")
	}
	if fold(familyName) == "" {
		return fault.Invalid(ReasonInvalidArgument, "family_name", "must have a letter")
	}
	got, err := d.patients.GetPatient(ctx, &identityv1.GetPatientRequest{NhsNumber: string(n)})
	if fault.ReasonOf(err) == reasonPatientNotFound {
		return nil
	}
	if err != nil {
		return told(err)
	}
	person := got.GetPatient()
	if fold(person.GetFamilyName()) != fold(familyName) || person.GetBirthDate() != birthDate {
		return fault.Precondition(ReasonIdentityMismatch,
			"The family name or the date of birth is not that of the person known under this NHS number. Nothing was registered.")
	}
	return nil
}

// fold makes names that differ in case, accents, spaces or hyphens the same.
func fold(name string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1 // marks, spaces, hyphens, apostrophes
	}, norm.NFKD.String(name))
	return cases.Fold().String(plain)
}
