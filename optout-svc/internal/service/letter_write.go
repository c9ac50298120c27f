package service

import (
	"context"
	"strings"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/deadline"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/postroom"
)

// somebody stands for a requester whose name is not known.
const somebody = "Someone"

// Writer writes letters through the post room.
type Writer struct {
	Room   *postroom.Room
	Policy *policy.Policy
}

// Write puts the letter of an occasion into the queue.
func (w Writer) Write(ctx context.Context, tx *sqlx.Tx, o Occasion) error {
	_, err := w.Room.Write(ctx, tx, postroom.Order{
		OptOutID: o.OptOut.ID, Occasion: o.Name, NHSNumber: o.OptOut.NHSNumber, By: o.By, Code: o.Code, Facts: w.facts(o),
	})
	return err
}

// facts of a letter. Whose identity is proved is decided here: the code came back, a privacy officer has
// checked the evidence, or has signed the candidate off, for the person who is matched now. Who merely said
// what others know too is told the reference alone (package letter).
func (w Writer) facts(o Occasion) letter.Facts {
	r := o.OptOut
	f := letter.Facts{
		Kind: o.Kind, Format: formatOf(r.LetterFormat), Choice: letter.In,
		Verified:  r.NHSNumber != "" && (r.ConfirmedByPersonAt != nil || r.CheckedAt != nil || r.SignedOffAt != nil),
		Person:    fullName(r.GivenNames, r.FamilyName),
		Reference: r.Reference, AskedAt: r.ReceivedAt, Channel: letter.Channel(channelOf(optoutv1.Channel(r.Channel))),
		DueAt: w.due(r.ReceivedAt), Effects: effects(o), Wanted: o.Wanted, Reason: o.Reason, CodeUntil: o.CodeUntil,
	}
	if r.Sealed {
		f.Choice = letter.Out
	}
	if optoutv1.Requester(r.Requester) != optoutv1.Requester_REQUESTER_SELF {
		if f.Requester = fullName(r.RequesterGivenNames, r.RequesterFamilyName); f.Requester == "" {
			f.Requester = somebody
		}
	}
	return f
}

// due is an instant of the last day that is in time.
func (w Writer) due(received time.Time) time.Time {
	rules := deadline.Rules{Days: w.Policy.Limits().EffectDays, Near: w.Policy.Limits().NearDays, Zone: w.Policy.Zone()}
	return rules.Of(received).Ends.Add(-time.Second)
}

// effects are since when the choice is in effect, and where.
func effects(o Occasion) []letter.Effect {
	var all []letter.Effect
	if !o.MadeAt.IsZero() {
		all = append(all, letter.Effect{System: letter.SystemChoices, At: o.MadeAt})
	}
	if !o.ConfirmedAt.IsZero() {
		all = append(all, letter.Effect{System: letter.SystemRecord, At: o.ConfirmedAt})
	}
	return all
}

func fullName(given, family string) string { return strings.TrimSpace(given + " " + family) }

// formatOf is the contract's format in the words of package letter; standard where none was asked for.
func formatOf(number int32) letter.Format {
	switch optoutv1.LetterFormat(number) {
	case optoutv1.LetterFormat_LETTER_FORMAT_LARGE_PRINT:
		return letter.LargePrint
	case optoutv1.LetterFormat_LETTER_FORMAT_EASY_READ:
		return letter.EasyRead
	case optoutv1.LetterFormat_LETTER_FORMAT_UNSPECIFIED, optoutv1.LetterFormat_LETTER_FORMAT_STANDARD:
	}
	return letter.Standard
}
