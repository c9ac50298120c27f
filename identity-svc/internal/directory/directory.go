// Package directory holds the rules of organisations and roles: what an organisation's state is at an
// instant, and what codes look like (DOMAIN.md sections 2 and 3). Pure functions.
package directory

import (
	"regexp"
	"time"
)

// AdministratorRole is the local role code of the suite's administrators. There is no national one; the
// first holder is made by `identity-svc bootstrap-admin`, all others through the API.
const AdministratorRole = "DCR-ADMIN"

// State is an organisation's part in the record. Its numbers are those of the contract's
// OrganisationState, and are stored.
type State int16

// The states.
const (
	Participating State = 1
	Prospective   State = 2
	OutOfArea     State = 3
	Ended         State = 4
)

// At is the state at an instant, of an organisation that is stored with state and takes part from
// activeFrom (nil: no date). One that was activated from a later date stays prospective until then.
func At(state State, activeFrom *time.Time, now time.Time) State {
	if state == Participating && activeFrom != nil && activeFrom.After(now) {
		return Prospective
	}
	return state
}

// Codes holds the compiled forms of codes. Make one with NewCodes.
type Codes struct{ ods, role *regexp.Regexp }

// NewCodes compiles the forms.
func NewCodes() Codes {
	return Codes{
		ods:  regexp.MustCompile(`^[A-Z0-9]{2,16}$`),
		role: regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{1,31}$`),
	}
}

// ValidODS tells whether text has the form of an ODS code, or of a council's GSS code.
func (c Codes) ValidODS(text string) bool { return c.ods.MatchString(text) }

// ValidRole tells whether text has the form of a national job role code (R1070), or of a local one.
func (c Codes) ValidRole(text string) bool { return c.role.MatchString(text) }
