// Package relationship is the life of care relationships: what starts them, when each kind ends, which
// may be granted on, and what must be said to declare one (DOMAIN.md section 5). Pure functions of facts:
// no SQL, no gRPC, no clock of its own.
//
// When a relationship ends is decided in end.go, for every kind and nowhere else.
package relationship

// Kind is how a relationship came to be. Its numbers are those of the contract's RelationshipKind, and
// are stored; they also rank: a lower one rests on firmer ground.
type Kind int16

// The kinds of DOMAIN.md section 5.
const (
	Registration     Kind = 1
	Referral         Kind = 2
	Episode          Kind = 3
	Caseload         Kind = 4
	ColleagueGranted Kind = 5
	SelfDeclared     Kind = 6
	Emergency        Kind = 7
)

// String is the name that audit events carry, such as "emergency".
func (k Kind) String() string {
	switch k {
	case Registration:
		return "gp_registration"
	case Referral:
		return "referral"
	case Episode:
		return "episode"
	case Caseload:
		return "caseload"
	case ColleagueGranted:
		return "colleague_granted"
	case SelfDeclared:
		return "self_declared"
	case Emergency:
		return "emergency"
	}
	return "unknown"
}

// FromFeed tells whether a partner's feed makes and ends relationships of this kind. Nobody can end one
// of these by hand, and these alone can be granted on: a granted or declared one cannot be laundered
// into a longer one.
func (k Kind) FromFeed() bool {
	return k == Registration || k == Referral || k == Episode || k == Caseload
}

// ByPerson tells whether a member of staff makes relationships of this kind, and may end them early.
func (k Kind) ByPerson() bool {
	return k == ColleagueGranted || k == SelfDeclared || k == Emergency
}
