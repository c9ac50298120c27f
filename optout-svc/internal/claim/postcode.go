package claim

import (
	"errors"
	"regexp"
	"strings"
)

// postcodeForm is the form of a postcode of the United Kingdom without its space, the Crown Dependencies and
// the codes of people without a fixed address (ZZ99 3CZ) among them, whose letters no other has. Whether one
// is in use is not known here.
func postcodeForm() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][A-Z]{2}$`)
}

var errPostcode = errors.New("must be a postcode, such as DT1 1XJ; leave it out when there is none")

// Postcode gives a postcode in capitals with its one space.
func Postcode(raw string) (string, error) {
	const most = 16
	if len(raw) > most {
		return "", errPostcode
	}
	p := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(raw))
	if !postcodeForm().MatchString(p) {
		return "", errPostcode
	}
	const inward = 3
	return p[:len(p)-inward] + " " + p[len(p)-inward:], nil
}
