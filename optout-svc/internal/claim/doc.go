// Package claim checks what somebody says about themselves, or about the person for whom they ask, and the
// documents that they send. It decides whether a claim can be kept and compared; whether it is true is for
// matching, evidence and people. It knows no SQL, no RPC and no clock.
//
// What is wrong is refused and named, never repaired in silence: a request that was quietly changed could
// match somebody else than the one who was meant. Only spelling that carries no meaning is evened out:
// spaces, the composition of accents, the space of a postcode, the separators of an NHS number. How names are
// compared is in internal/personname.
package claim

import "time"

// Problem is one thing that is wrong with a claim.
type Problem struct {
	// Field of Claim, in the contract's spelling, such as "birth_date".
	Field string
	// Reason is stable.
	Reason Reason
	// Text is what the field must be, for people. It never quotes the claim.
	Text string
}

// Reason is stable and what callers branch on.
type Reason string

// The reasons.
const (
	ReasonName        Reason = "INVALID_NAME"
	ReasonText        Reason = "INVALID_TEXT"
	ReasonDate        Reason = "INVALID_DATE"
	ReasonFuture      Reason = "DATE_IN_THE_FUTURE"
	ReasonPostcode    Reason = "INVALID_POSTCODE"
	ReasonNumber      Reason = "INVALID_NHS_NUMBER"
	ReasonYounger     Reason = "REQUESTER_YOUNGER"
	ReasonMayNotAsk   Reason = "REQUESTER_NOT_ALLOWED"
	ReasonType        Reason = "DOCUMENT_TYPE"
	ReasonTypeDiffers Reason = "DOCUMENT_TYPE_DIFFERS"
	ReasonCutOff      Reason = "DOCUMENT_INCOMPLETE"
	ReasonTooLarge    Reason = "DOCUMENT_TOO_LARGE"
	ReasonEmpty       Reason = "DOCUMENT_EMPTY"
)

// Raw is a claim as it came.
type Raw struct {
	// NHSNumber of the person; may be empty.
	NHSNumber string
	// GivenName may be empty; it tells twins apart.
	FamilyName, GivenName string
	// BirthDate as YYYY-MM-DD.
	BirthDate string
	// Postcode may be empty: a person can live outside the country.
	Postcode string
	// Requester's relation to the person: self, parent, attorney, or a word that the policy refuses.
	Requester string
	// RequesterName and RequesterBirthDate of somebody who asks for another; empty for self.
	RequesterName, RequesterBirthDate string
}

// Claim is a claim that can be kept and compared.
type Claim struct {
	// NHSNumber is ten digits, or empty.
	NHSNumber string
	// Names are one line, composed (NFC), with single spaces.
	FamilyName, GivenName string
	BirthDate             Date
	// Postcode in capitals with its space, or empty.
	Postcode           string
	Requester          string
	RequesterName      string
	RequesterBirthDate Date
}

// Rules are what a claim is checked by.
type Rules interface {
	// MayAsk tells whether somebody in that relation may ask for a person of that age, or why not.
	MayAsk(relation string, age int) (ok bool, why string)
}

// Check reads a claim. today is the date in the policy's zone. When there are problems, the claim must not
// be used.
func Check(raw Raw, rules Rules, today Date) (Claim, []Problem) {
	c := checker{today: today}
	claim := Claim{
		NHSNumber:  c.number("nhs_number", raw.NHSNumber),
		FamilyName: c.name("family_name", raw.FamilyName, true),
		GivenName:  c.name("given_name", raw.GivenName, false),
		BirthDate:  c.birth("birth_date", raw.BirthDate),
		Postcode:   c.postcode("postcode", raw.Postcode),
		Requester:  raw.Requester,
	}
	c.requester(&claim, raw, rules)
	return claim, c.problems
}

// Today is the date of an instant in a zone.
func Today(now time.Time, zone *time.Location) Date { return Date(now.In(zone).Format(time.DateOnly)) }
