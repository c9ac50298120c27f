// Package request is the life of a request to opt out or back in: which step is possible from which state,
// who may take it, and what must be true for it (issue 3, DOMAIN section 7). The transitions are data
// (table.go); docs/design/opt-out.md and the tests are made from the same data. It knows no SQL and no RPC:
// who calls Next gathers the facts first, and writes what it answers in the same transaction.
package request

// State is where a request stands.
type State string

// The states. A request is in exactly one; the last three are final.
const (
	// None is a request that does not exist yet.
	None State = ""
	// Received: kept with its reference, not compared with anybody yet.
	Received State = "received"
	// NeedsMatching: nobody, several people or contradictory particulars were found. It waits for a privacy
	// officer, or for the person to become known.
	NeedsMatching State = "needs_matching"
	// NeedsEvidence: it is known whose request it is; Outstanding tells what it waits for.
	NeedsEvidence State = "needs_evidence"
	// Ready: nothing is outstanding but the effect.
	Ready State = "ready"
	// Effective: it made a numbered choice of the person. It stays so when the person chooses anew.
	Effective State = "effective"
	// Refused: it will not take effect, with a reason that is kept.
	Refused State = "refused"
	// Withdrawn: the requester took it back before it took effect.
	Withdrawn State = "withdrawn"
	// Reversed: it had taken effect on the wrong person, and what was before is restored.
	Reversed State = "reversed"
)

// States are all states of a request that exists, in the order of its life.
func States() []State {
	return []State{Received, NeedsMatching, NeedsEvidence, Ready, Effective, Refused, Withdrawn, Reversed}
}

// Final tells whether nothing can happen to the request any more.
func (s State) Final() bool { return s == Refused || s == Withdrawn || s == Reversed }

// Pending tells whether the request has neither taken effect nor come to its end: its due date runs.
func (s State) Pending() bool {
	return s == Received || s == NeedsMatching || s == NeedsEvidence || s == Ready
}

// Event is what happens to a request.
type Event string

// The events. Each is recorded in the request's history when it is followed.
const (
	// Submit: the request comes in.
	Submit Event = "submit"
	// Renew: a request that had taken effect on the wrong person goes on, as a new one, for the right one.
	Renew Event = "renew"
	// Match: it is known whose request it is.
	Match Event = "match"
	// NoMatch: it is not known, or the match was wrong.
	NoMatch Event = "no_match"
	// RequestEvidence: a privacy officer asks for something that is missing.
	RequestEvidence Event = "request_evidence"
	// RecordEvidence: a privacy officer records evidence, and whether all of it is checked now.
	RecordEvidence Event = "record_evidence"
	// Confirm: the one-time code that was sent to contact details already held came back.
	Confirm Event = "confirm"
	// AllowSafeguarding: the safeguarding lead lets a request about a child go on.
	AllowSafeguarding Event = "allow_safeguarding"
	// DeclineSafeguarding: the safeguarding lead refuses a request about a child.
	DeclineSafeguarding Event = "decline_safeguarding"
	// SignOff: a privacy officer confirms a candidate of an older system's register (leaflet L10).
	SignOff Event = "sign_off"
	// Reconsider: what was ready is so no longer, because the facts have changed.
	Reconsider Event = "reconsider"
	// MakeEffective: the request becomes the person's next numbered choice.
	MakeEffective Event = "make_effective"
	// Duplicate: the choice in force is already what is asked for.
	Duplicate Event = "duplicate"
	// Refuse: a privacy officer refuses it, with a reason.
	Refuse Event = "refuse"
	// Expire: an online request was never confirmed.
	Expire Event = "expire"
	// Withdraw: the requester takes it back before it takes effect.
	Withdraw Event = "withdraw"
	// Reverse: it took effect on the wrong person.
	Reverse Event = "reverse"
)

// Events are all events, in the order of a request's life.
func Events() []Event {
	return []Event{
		Submit, Renew, Match, NoMatch, RequestEvidence, RecordEvidence, Confirm, AllowSafeguarding, DeclineSafeguarding,
		SignOff, Reconsider, MakeEffective, Duplicate, Refuse, Expire, Withdraw, Reverse,
	}
}

// Actor is who lets something happen to a request.
type Actor string

// The actors.
const (
	// System is optout-svc itself: matching, and finishing what people have decided.
	System Actor = "system"
	// Person is whoever uses the public form. What they say of themselves proves nothing; the code does.
	Person Actor = "person"
	// Staff is a member of staff with an active role who starts a request during an appointment (leaflet L8).
	Staff Actor = "staff"
	// Officer is a privacy officer.
	Officer Actor = "privacy_officer"
	// Lead is the safeguarding lead: a safeguarding officer.
	Lead Actor = "safeguarding_lead"
)

// Actors are all actors.
func Actors() []Actor { return []Actor{System, Person, Staff, Officer, Lead} }

// Choice is what is asked for.
type Choice string

// The choices.
const (
	// Out: nobody is to see the record.
	Out Choice = "out"
	// In: the record is to be open again.
	In Choice = "in"
)

// Channel is how a request came (leaflet L7).
type Channel string

// The channels.
const (
	Telephone Channel = "telephone"
	Online    Channel = "online"
	Post      Channel = "post"
	Leaflet   Channel = "leaflet"
)

// Channels are all channels.
func Channels() []Channel { return []Channel{Telephone, Online, Post, Leaflet} }

// Requester is who asks, in relation to the person whose record it is.
type Requester string

// The requesters. A GP is none of them: a GP is no proxy (DOMAIN section 7).
const (
	// Self: the person.
	Self Requester = "self"
	// Parent: a parent or holder of parental responsibility.
	Parent Requester = "parent"
	// Attorney: an attorney registered with the Office of the Public Guardian, or a court's deputy.
	Attorney Requester = "attorney"
)

// Requesters are all requesters.
func Requesters() []Requester { return []Requester{Self, Parent, Attorney} }

// Effect is what a step does to the person's choice in force, in the same transaction.
type Effect string

// The effects. Each but NoEffect makes the person's next choice: a number one higher, never one again.
const (
	// NoEffect leaves the choice in force alone.
	NoEffect Effect = "none"
	// NewOut makes the next choice: out.
	NewOut Effect = "new choice out"
	// NewIn makes the next choice: in.
	NewIn Effect = "new choice in"
	// RestoreEarlier makes the next choice: whatever was in force before the request's own.
	RestoreEarlier Effect = "restore earlier"
)
