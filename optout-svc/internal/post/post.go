// Package post hands letters, emails and text messages over to whoever delivers them: a folder (the
// one-command run; somebody prints what is in it), or GOV.UK Notify. It knows nothing of what they say.
//
// An item has an id, and is handed over once per id: Send may be called again for an id only after Find has
// said that the post does not have it. A caller that was cut off in between does not know; it asks Find.
package post

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Way is how an item travels. Its values are kept and shown.
type Way string

// The ways.
const (
	Letter Way = "letter"
	Email  Way = "email"
	Text   Way = "text"
)

// Item is something to be handed over.
type Item struct {
	// ID under which the post knows it, and knows it again.
	ID uuid.UUID
	// By says which of the other fields are used.
	By Way
	// PDF of a letter: A4, the address where a window envelope shows it.
	PDF []byte
	// Email address, for an email.
	Email string
	// Subject of an email.
	Subject string
	// Mobile number, for a text message.
	Mobile string
	// Body of an email or a text message: plain text.
	Body string
}

// Progress is how far the post says that an item is.
type Progress string

// The stages of an item that the post has.
const (
	// Under way: nothing is known yet of its end.
	UnderWay Progress = "under_way"
	// Done: it was delivered, or, for a letter, printed and dispatched.
	Done Progress = "done"
	// Returned: it could not be delivered, and the post has given it up.
	Returned Progress = "returned"
)

// Receipt says that the post has an item.
type Receipt struct {
	// Reference is the post's own name for it: Notify's id, or the file's name.
	Reference string
	// Progress of it.
	Progress Progress
}

// Outbound is a way out of the house. Errors are *Error. It is safe for concurrent use.
type Outbound interface {
	// Send hands an item over. When an error leaves it open whether the post has the item (Error.Unsure),
	// Find tells.
	Send(ctx context.Context, item Item) (Receipt, error)
	// Find tells whether the post has an item, and how far that is.
	Find(ctx context.Context, id uuid.UUID, by Way) (receipt Receipt, found bool, err error)
	// Remembers is how long after Send the post knows an item: past it, Find's "no" means nothing. 0 means
	// for good.
	Remembers() time.Duration
}

// Reasons of failures: stable, kept with a letter and shown to privacy officers. None says anything of a
// person.
const (
	// ReasonUnanswered: no answer, or none that could be read.
	ReasonUnanswered = "POST_UNANSWERED"
	// ReasonUnreachable: no connection was made, so nothing was handed over.
	ReasonUnreachable = "POST_UNREACHABLE"
	// ReasonBusy: too many items at once, or for today.
	ReasonBusy = "POST_BUSY"
	// ReasonBroken: the post says that it failed.
	ReasonBroken = "POST_BROKEN"
	// ReasonKey: the key is missing, not believed or not good for this. An operator must look.
	ReasonKey = "POST_KEY"
	// ReasonNotAllowed: the post does not do this for us, for example while in trial. An operator must look.
	ReasonNotAllowed = "POST_NOT_ALLOWED"
	// ReasonRejected: the post will not take this item.
	ReasonRejected = "POST_REJECTED"
	// ReasonUnknown: it may have been handed over so long ago that the post cannot be asked any more. A person
	// decides whether it arrived.
	ReasonUnknown = "POST_UNKNOWN"
	// ReasonReturned: the post took it and could not deliver it.
	ReasonReturned = "POST_RETURNED"
	// ReasonStorage: the folder cannot be written.
	ReasonStorage = "POST_STORAGE"
)

// Error is a failed attempt. Its text is fixed words; the cause may quote an address and is for nobody's eyes.
type Error struct {
	// Reason is one of the reasons above.
	Reason string
	// Final says that another attempt with the same item would fail as well.
	Final bool
	// Unsure says that the post may have the item all the same.
	Unsure bool
	// After is how long the post asks to be left alone; 0 when it does not say.
	After time.Duration

	cause error
}

// Error is the reason alone.
func (e *Error) Error() string { return fmt.Sprintf("hand over: %s", e.Reason) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }
