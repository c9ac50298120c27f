// Package letter writes the letters about requests to opt out and back in (issue 3): from facts to words,
// and from words to a PDF or plain text. It decides what a letter says and to whom it may say it; it knows
// no SQL, no post and no clock.
//
// What a letter says is data: templates/*.yaml, which an organisation may replace (Load). A template is cut
// into blocks before anything of a person is put into it, and each value goes in once, as it is: no name can
// make a heading, a link or another placeholder of itself.
package letter

import "time"

// Kind is what a letter says.
type Kind string

// The kinds, as their templates' files are named.
const (
	// Acknowledgement: the request is here, with its reference and due date.
	Acknowledgement Kind = "acknowledgement"
	// EffectConfirmed: the record is sealed: since when, and in which systems.
	EffectConfirmed Kind = "effect_confirmed"
	// EvidenceWanted: which proof is wanted.
	EvidenceWanted Kind = "evidence_wanted"
	// Refused: the request was refused, and why.
	Refused Kind = "refused"
	// OptedInConfirmed: the record is open again.
	OptedInConfirmed Kind = "opted_in_confirmed"
	// ConfirmationCode: the one-time code with which an online request is confirmed.
	ConfirmationCode Kind = "confirmation_code"
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{Acknowledgement, EffectConfirmed, EvidenceWanted, Refused, OptedInConfirmed, ConfirmationCode}
}

// Format is how a person wants to be written to. Large print has the words of the standard letter; Easy
// Read has words of its own, and is printed large too. Its pictures are the organisation's to add.
type Format string

// The formats.
const (
	Standard   Format = "standard"
	LargePrint Format = "large_print"
	EasyRead   Format = "easy_read"
)

// Formats are all formats.
func Formats() []Format { return []Format{Standard, LargePrint, EasyRead} }

// Choice is what was asked for.
type Choice string

// The choices.
const (
	Out Choice = "out"
	In  Choice = "in"
)

// Channel is how a request came.
type Channel string

// The channels.
const (
	Telephone Channel = "telephone"
	Online    Channel = "online"
	Post      Channel = "post"
	Leaflet   Channel = "leaflet"
)

// The systems in which a choice takes effect, for Effect.
const (
	// SystemChoices is the list of choices that is asked before each look at a record (optout-svc).
	SystemChoices = "choices"
	// SystemRecord is where the records are kept and sealed (record-svc).
	SystemRecord = "record"
)

// Effect is since when a choice is in effect in a system.
type Effect struct {
	System string
	At     time.Time
}

// Facts are what a letter is made from. Instants are shown in the time zone of Sender.
type Facts struct {
	Kind   Kind
	Format Format
	Choice Choice
	// Verified says that it is known who asked: not somebody who merely typed what others know too. While it
	// is false a letter names nobody, says nothing of the request and carries the reference alone, whatever
	// else is given here. A confirmation code is never verified: it goes to a person about somebody's form.
	Verified bool
	// Person is the name of the person whose record it is.
	Person string
	// Requester is the name of who asked on behalf of Person; empty when the person asked.
	Requester string
	// ToRequester says that the letter goes to an address that the requester gave, and so speaks to them.
	// Otherwise it goes to what is held of the person, and whoever opens it there is told who asked.
	ToRequester bool
	// Reference of the request, as it is read out on the phone. Required.
	Reference string
	// AskedAt is when the request was received.
	AskedAt time.Time
	// Channel by which it came.
	Channel Channel
	// DueAt is when its effect is confirmed at the latest.
	DueAt time.Time
	// Effects are where and since when the choice is in effect; for the two confirmations.
	Effects []Effect
	// EmergencyShows says that the policy lets an emergency open a sealed record. The default never does, and
	// the letter then says so.
	EmergencyShows bool
	// Wanted are the kinds of evidence that are wanted, as the policy names them.
	Wanted []string
	// Reason of a refusal, as the policy names it.
	Reason string
	// CodeUntil is when a confirmation code ends to be good.
	CodeUntil time.Time
}

// Sender is who writes: the privacy officer, from settings.
type Sender struct {
	// Name at the top of the letter, e.g. "Privacy Officer, Dorset Care Record".
	Name string
	// Address lines, with the postcode last.
	Address []string
	// Phone is where the privacy officer can be called.
	Phone string
	// Email is where the privacy officer can be written to.
	Email string
	// Zone is the time zone in which dates and times are told.
	Zone *time.Location
}
