package access

import (
	"time"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// TokenState is what became of the caller's token.
type TokenState uint8

// The states. The zero state is that of a call whose token nobody looked at;
// it permits nothing.
const (
	TokenUnknown TokenState = iota
	// TokenAbsent: the call carries none.
	TokenAbsent
	// TokenRefused: it is malformed, forged, expired or not for us.
	TokenRefused
	// TokenUnverifiable: its issuer's keys cannot be had now.
	TokenUnverifiable
	// TokenAccepted: it was verified.
	TokenAccepted
)

// Facts are everything that a decision may rest on, read after the call
// arrived. A fact that was not asked for is absent, and absent facts permit
// nothing that needs them.
type Facts struct {
	// Now is when the facts were read.
	Now time.Time
	// Token is what became of the token; Audience is whose it is.
	Token    TokenState
	Audience accessv1.Audience
	// RoleCode in which a member of staff acts.
	RoleCode string
	// Staff facts of the session.
	Staff *identityv1.StaffFacts
	// System facts of a partner's system.
	System *identityv1.GetSystemFactsResponse
	// NHSNumber that the request named, checked.
	NHSNumber string
	// Patient facts; nil when nobody is known under the number.
	Patient *identityv1.PatientFacts
	// Relationships of the session with the person.
	Relationships []*identityv1.CareRelationship
	// Choice in force; nil when it was not read.
	Choice *Choice
}

// Choice is a person's opt-out choice in force.
type Choice struct {
	// Number of the choice; 0 when the person never chose.
	Number int64
	// Sealed is true when the person is opted out.
	Sealed bool
}

// takesPart tells whether an organisation takes part at an instant.
func takesPart(o *identityv1.Organisation, now time.Time) bool {
	switch {
	case o.GetState() != identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING:
		return false
	case o.GetActiveFrom() != nil && o.GetActiveFrom().AsTime().After(now):
		return false
	case o.GetEndedAt() != nil && !o.GetEndedAt().AsTime().After(now):
		return false
	}
	return true
}
