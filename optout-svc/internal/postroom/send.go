package postroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/pdf"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// recording bounds the statement that records how an attempt ended.
const recording = 3 * time.Second

// outcome is how an attempt ended: sent with a receipt, or not, and why.
type outcome struct {
	by      post.Way
	receipt post.Receipt
	// failed is nil when the letter is sent.
	failed *post.Error
}

// send makes one attempt and records its end. The error is that of recording.
func (r *Room) send(ctx context.Context, c store.Claimed) error {
	attempt, cancel := context.WithTimeout(ctx, r.cfg.Limit)
	defer cancel()
	failpoint.Hit("optout.letter.claimed")
	done := r.attempt(attempt, c)
	failpoint.Hit("optout.letter.before_record")
	// A stop does not undo a sending: recording it saves asking.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), recording)
	defer cancel()
	return r.record(ctx, c, done)
}

// attempt hands a letter over, unless the post has it already.
func (r *Room) attempt(ctx context.Context, c store.Claimed) (done outcome) {
	defer func() {
		if p := recover(); p != nil { // its text could be personal
			done = outcome{failed: &post.Error{Reason: ReasonUnprintable, Unsure: true}}
			r.cfg.Log.ErrorContext(ctx, "a letter panicked", slog.String("letter_id", c.ID.String()), slog.String("type", fmt.Sprintf("%T", p)))
		}
	}()
	if c.Tried {
		if done, known := r.ask(ctx, c); known {
			return done
		}
	}
	item, failed := r.item(ctx, c)
	if failed != nil {
		return outcome{failed: failed}
	}
	failpoint.Hit("optout.letter.before_send")
	receipt, err := r.cfg.Outbound.Send(ctx, item)
	failpoint.Hit("optout.letter.after_send")
	return outcome{by: item.By, receipt: receipt, failed: asPostError(err)}
}

// ask finds out whether an earlier attempt handed the letter over. It is known, too, when that cannot be
// found out now: then nothing may be sent.
func (r *Room) ask(ctx context.Context, c store.Claimed) (done outcome, known bool) {
	if remembers := r.cfg.Outbound.Remembers(); remembers > 0 && c.TriedAgo > remembers {
		return outcome{failed: &post.Error{Reason: post.ReasonUnknown, Final: true}}, true
	}
	ways := []post.Way{c.By}
	if c.By == "" {
		// The way was chosen at the earlier attempt and may be another now.
		ways = []post.Way{post.Letter, post.Email, post.Text}
	}
	for _, by := range ways {
		receipt, found, err := r.cfg.Outbound.Find(ctx, c.PostID, by)
		if failed := asPostError(err); failed != nil {
			return outcome{failed: &post.Error{Reason: failed.Reason, Unsure: true, After: failed.After}}, true
		}
		if found {
			return outcome{by: by, receipt: receipt}, true
		}
	}
	return outcome{}, false
}

// asPostError is the error as a *post.Error; one of another kind leaves everything open.
func asPostError(err error) *post.Error {
	var failed *post.Error
	if err != nil && !errors.As(err, &failed) {
		failed = &post.Error{Reason: post.ReasonUnanswered, Unsure: true}
	}
	return failed
}

// item is the letter with its address, ready to be handed over.
func (r *Room) item(ctx context.Context, c store.Claimed) (post.Item, *post.Error) {
	if c.Expired {
		return post.Item{}, &post.Error{Reason: ReasonExpired, Final: true}
	}
	contact, failed := r.contact(ctx, c)
	if failed != nil {
		return post.Item{}, failed
	}
	by := c.By
	if by == "" {
		by = Best(c.Content.Kind, c.Content.Format, contact)
	}
	if !reaches(by, contact) {
		return post.Item{}, &post.Error{Reason: ReasonNoContact, Final: true}
	}
	item := post.Item{ID: c.PostID, By: by, Subject: c.Content.Title, Body: c.Content.Text(c.Code)}
	switch by {
	case post.Email:
		item.Email = contact.Emails[0]
	case post.Text:
		item.Mobile, item.Body = contact.Mobiles[0], c.Content.Message(c.Code)
	default:
		printed, err := r.cfg.Press.Render(c.Content.Document(envelope(contact), c.Code, c.QueuedAt))
		if errors.Is(err, pdf.ErrAddress) {
			return item, &post.Error{Reason: ReasonAddress, Final: true}
		}
		if err != nil {
			return item, &post.Error{Reason: ReasonUnprintable, Final: true}
		}
		item.PDF = printed.Bytes
	}
	return item, nil
}

// contact is where the letter goes: what the requester gave, or what is held.
func (r *Room) contact(ctx context.Context, c store.Claimed) (Contact, *post.Error) {
	if c.Recipient != nil {
		return given(c.Recipient), nil
	}
	if c.NHSNumber == "" {
		return Contact{}, &post.Error{Reason: ReasonNoContact, Final: true}
	}
	contact, err := r.cfg.Contacts.Contact(ctx, c.NHSNumber)
	switch {
	case errors.Is(err, ErrNobody):
		return contact, &post.Error{Reason: ReasonNoContact, Final: true}
	case err != nil:
		r.cfg.Log.WarnContext(ctx, "contact details cannot be had", slog.String("cause", fault.Trail(err)))
		return contact, &post.Error{Reason: ReasonContacts}
	case contact.Deceased:
		return contact, &post.Error{Reason: ReasonDeceased, Final: true}
	}
	return contact, nil
}

// record notes the end of an attempt, in the table and in the metrics.
func (r *Room) record(ctx context.Context, c store.Claimed, done outcome) error {
	if done.failed == nil {
		r.meters.attempted(ctx, done.by, "sent", "")
		return r.cfg.Store.RecordSent(ctx, c, done.by, done.receipt, r.cfg.FollowUp)
	}
	reason := done.failed.Reason
	attrs := []any{slog.String("letter_id", c.ID.String()), slog.Int("attempt", c.Attempts), slog.String("reason", reason)}
	if done.failed.Final || c.Exhausted {
		r.meters.attempted(ctx, c.By, "failed", reason)
		r.cfg.Log.ErrorContext(ctx, "letter failed: a privacy officer must look", attrs...)
		return r.cfg.Store.RecordFailed(ctx, c, reason)
	}
	r.meters.attempted(ctx, c.By, "postponed", reason)
	r.cfg.Log.WarnContext(ctx, "letter could not be sent and will be tried again", attrs...)
	return r.cfg.Store.RecordPostponed(ctx, c, reason, r.pause(c, done.failed), done.failed.Unsure)
}

// pause before the next attempt: doubling, capped, as long as the post asks for; and when the post may have
// the letter, long enough for it to know.
func (r *Room) pause(c store.Claimed, failed *post.Error) time.Duration {
	pause := r.cfg.MaxBackoff
	if doublings := c.Attempts - 1; doublings < 20 && r.cfg.FirstBackoff<<doublings < r.cfg.MaxBackoff {
		pause = r.cfg.FirstBackoff << max(doublings, 0)
	}
	pause = max(pause, failed.After)
	if failed.Unsure {
		pause = max(pause, r.cfg.Settle)
	}
	return pause + rand.N(pause/4+1)
}
