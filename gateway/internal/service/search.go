package service

import (
	"strings"
	"time"
	"unicode"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const (
	// maxMatches above which a search is too wide, as in PDS.
	maxMatches = 50
	// minPrefix is how many letters a name with a * needs (DOMAIN.md section 9, PDS).
	minPrefix = 2
	dateForm  = time.DateOnly
)

// search reads a search by the rules of PDS: an NHS number, or family name and
// birth date at least. It neither folds nor corrects names, which is
// identity-svc's: what is refused here names its field.
func search(req *gatewayv1.SearchPatientsRequest) (*identityv1.SearchPatientsRequest, error) {
	n, err := number("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	out := &identityv1.SearchPatientsRequest{
		NhsNumber:  string(n),
		FamilyName: strings.TrimSpace(req.GetFamilyName()),
		GivenName:  strings.TrimSpace(req.GetGivenName()),
		BirthDate:  req.GetBirthDate(),
		Gender:     req.GetGender(),
		Postcode:   strings.TrimSpace(req.GetPostcode()),
		GpOdsCode:  strings.ToUpper(strings.TrimSpace(req.GetGpOdsCode())),
		MaxMatches: maxMatches,
	}
	if out.NhsNumber == "" {
		if err := enough(out); err != nil {
			return nil, err
		}
	}
	for _, name := range []struct{ field, value string }{{"family_name", out.FamilyName}, {"given_name", out.GivenName}} {
		if err := checkName(name.field, name.value); err != nil {
			return nil, err
		}
	}
	if out.BirthDate != "" && !isDate(out.BirthDate) {
		return nil, fault.Invalid(ReasonInvalidArgument, "birth_date", "must be a date as YYYY-MM-DD")
	}
	return out, checkGender(out.Gender)
}

// enough asks for what PDS asks for when there is no NHS number.
func enough(s *identityv1.SearchPatientsRequest) error {
	const text = "is needed when no NHS number is given"
	var refusal *fault.Error
	for _, need := range []struct{ field, value string }{{"family_name", s.GetFamilyName()}, {"birth_date", s.GetBirthDate()}} {
		switch {
		case need.value != "":
		case refusal == nil:
			refusal = fault.Invalid(ReasonInvalidArgument, need.field, text)
		default:
			refusal = refusal.WithField(need.field, text)
		}
	}
	if refusal != nil {
		return refusal
	}
	return nil
}

// checkName allows one * at the end, after two letters or more.
func checkName(field, name string) error {
	if strings.ContainsFunc(name, unicode.IsControl) {
		return fault.Invalid(ReasonInvalidArgument, field, "must be a name without control characters")
	}
	start, ends := strings.CutSuffix(name, "*")
	if strings.Contains(start, "*") {
		return fault.Invalid(ReasonInvalidArgument, field, "may have one * and only at its end")
	}
	letters := 0
	for _, r := range start {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	switch {
	case ends && letters < minPrefix:
		return fault.Invalid(ReasonInvalidArgument, field, "needs two letters before its *")
	case name != "" && letters == 0:
		return fault.Invalid(ReasonInvalidArgument, field, "must have a letter")
	}
	return nil
}

func checkGender(gender string) error {
	switch gender {
	case "", "male", "female", "other", "unknown":
		return nil
	default:
		return fault.Invalid(ReasonInvalidArgument, "gender", "must be male, female, other or unknown")
	}
}

func isDate(text string) bool {
	_, err := time.Parse(dateForm, text)
	return err == nil
}
