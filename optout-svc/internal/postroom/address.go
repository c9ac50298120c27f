package postroom

import (
	"context"
	"errors"
	"strings"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Contact is what is held of where a person can be reached. It is asked for when a letter is sent, and kept
// nowhere here.
type Contact struct {
	Name     string
	Lines    []string
	Postcode string
	// Mobiles and Emails in the order in which they are to be used.
	Mobiles, Emails []string
	// Deceased says that the person is known to have died.
	Deceased bool
}

// ErrNobody says that no such person is known.
var ErrNobody = errors.New("nobody is known under this number")

// Contacts knows where people can be reached: identity-svc.
type Contacts interface {
	// Contact of the person with that NHS number. Errors: ErrNobody; others are tried again.
	Contact(ctx context.Context, nhsNumber string) (Contact, error)
}

// Reasons of failures beside those of the post: kept with a letter and shown to privacy officers.
const (
	// ReasonNoContact: nothing is held that the letter could go to.
	ReasonNoContact = "NO_CONTACT"
	// ReasonDeceased: the person is known to have died; a privacy officer decides who is to be written to.
	ReasonDeceased = "RECIPIENT_DECEASED"
	// ReasonContacts: identity-svc did not tell; it is asked again.
	ReasonContacts = "CONTACTS_UNAVAILABLE"
	// ReasonAddress: the address does not fit into the window of an envelope.
	ReasonAddress = "ADDRESS_TOO_LONG"
	// ReasonExpired: its code is good no more; a new one is needed.
	ReasonExpired = "CODE_EXPIRED"
	// ReasonUnprintable: the letter could not be printed. It is a mistake in a template, or ours.
	ReasonUnprintable = "LETTER_UNPRINTABLE"
)

// windowLines is how many lines of an address the window of an envelope shows.
const windowLines = 7

// Best is the way on which a letter goes when none was said: a code by the quickest, since it is short-lived,
// or by letter to whoever wants large print or Easy Read; all else by letter. Empty when nothing is held.
func Best(kind letter.Kind, format letter.Format, c Contact) post.Way {
	byLetter, byEmail, byText := canPost(c), len(c.Emails) > 0, len(c.Mobiles) > 0
	switch {
	case kind != letter.ConfirmationCode:
		byEmail, byText = false, false
	case format != letter.Standard && byLetter:
		return post.Letter
	}
	switch {
	case byText:
		return post.Text
	case byEmail:
		return post.Email
	case byLetter:
		return post.Letter
	}
	return ""
}

// canPost tells whether there is an address: at least a line and the postcode.
func canPost(c Contact) bool { return len(c.Lines) > 0 && strings.TrimSpace(c.Postcode) != "" }

// reaches tells whether there is something for that way.
func reaches(by post.Way, c Contact) bool {
	switch by {
	case post.Letter:
		return canPost(c)
	case post.Email:
		return len(c.Emails) > 0
	case post.Text:
		return len(c.Mobiles) > 0
	}
	return false
}

// given is a recipient's address as a Contact.
func given(r *store.Recipient) Contact {
	return Contact{Name: r.Name, Lines: r.Lines, Postcode: r.Postcode}
}

// envelope is the address as it is printed: the name, the lines and the postcode. Lines that the window has
// no room for share one.
func envelope(c Contact) []string {
	var lines []string
	for _, line := range append([]string{c.Name}, c.Lines...) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	if room := windowLines - 1; len(lines) > room {
		lines = append(lines[:room-1:room-1], strings.Join(lines[room-1:], ", "))
	}
	return append(lines, strings.ToUpper(strings.Join(strings.Fields(c.Postcode), " ")))
}
