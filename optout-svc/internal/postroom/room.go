// Package postroom writes letters into the queue, sends what is in it, and shows what was written. Words come
// from package letter, the way out of the house is package post's, the queue is a table of package store.
//
// A letter is sent once. It is written in the transaction of the step that causes it, under an id made of
// request, kind and occasion; it is claimed, and the attempt kept, before it is handed over; and whoever
// finds an attempt that was not recorded to its end asks the post before handing over again. What remains is
// a sender that is frozen between asking and handing over for longer than its claim: its call has a deadline
// that is over by then, and the moment between the check of that deadline and the first byte is the only one
// at which two letters could go to Notify. A folder has not even that: its files are named by the letter.
package postroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/dorsetcarerecord/dcr/internal/pdf"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// giveUpAfter is how long a letter is tried. It is less than the post remembers, so that an attempt whose
// outcome is not known can be asked for until the end.
const giveUpAfter = 5 * 24 * time.Hour

// Config is what a Room works with. Zero durations mean the defaults that are named.
type Config struct {
	Store     *store.Store
	Templates *letter.Templates
	Sender    letter.Sender
	Outbound  post.Outbound
	Contacts  Contacts
	Press     *pdf.Press
	Now       func() time.Time
	Log       *slog.Logger
	Meter     metric.MeterProvider // nil: no metrics

	Poll         time.Duration // how often the queue is looked at: 1 s
	Lease        time.Duration // of a claim: 2 min
	Limit        time.Duration // of one attempt, all calls together, shorter than Lease: 45 s
	FirstBackoff time.Duration // after a failed attempt; doubles: 30 s
	MaxBackoff   time.Duration // 1 h
	Settle       time.Duration // before the post is asked about an attempt without an answer: 2 min
	FollowUp     time.Duration // between questions about what became of a sent letter: 1 h
	Concurrency  int           // letters at once: 4
}

func (c Config) withDefaults() Config {
	setDefault(&c.Poll, time.Second)
	setDefault(&c.Lease, 2*time.Minute)
	setDefault(&c.Limit, 45*time.Second)
	setDefault(&c.FirstBackoff, 30*time.Second)
	setDefault(&c.MaxBackoff, time.Hour)
	setDefault(&c.Settle, 2*time.Minute)
	setDefault(&c.FollowUp, time.Hour)
	setDefault(&c.Concurrency, 4)
	if c.Meter == nil {
		c.Meter = noop.NewMeterProvider()
	}
	return c
}

func setDefault[T time.Duration | int](value *T, instead T) {
	if *value <= 0 {
		*value = instead
	}
}

func (c Config) check() error {
	switch {
	case c.Store == nil || c.Templates == nil || c.Outbound == nil || c.Contacts == nil || c.Press == nil || c.Now == nil || c.Log == nil || c.Sender.Zone == nil:
		return errors.New("postroom: a part is missing")
	case c.Limit >= c.Lease:
		return fmt.Errorf("postroom: an attempt may take %v, which must be less than the lease of %v", c.Limit, c.Lease)
	}
	return nil
}

// Room is the post room of a process. It is safe for concurrent use.
type Room struct {
	cfg    Config
	wake   chan struct{}
	meters meters
}

// New makes a room. It sends nothing until Run. Close it after Run has returned.
func New(cfg Config) (*Room, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	r := &Room{cfg: cfg, wake: make(chan struct{}, 1)}
	var err error
	if r.meters, err = newMeters(cfg.Meter, cfg.Store); err != nil {
		return nil, fmt.Errorf("postroom: %w", err)
	}
	return r, nil
}

// Close ends the metrics.
func (r *Room) Close() error { return r.meters.registration.Unregister() }

// Order asks for a letter.
type Order struct {
	// OptOutID is the request that it is about.
	OptOutID uuid.UUID
	// Occasion tells it from others of its kind about the same request: the number of the step that causes it.
	Occasion string
	// NHSNumber of the person whose held contact details it goes to; empty when nobody is matched: then it
	// goes to Recipient, or fails as NO_CONTACT and a privacy officer prints it.
	NHSNumber string
	// Recipient is an address that the requester gave, instead of what is held.
	Recipient *store.Recipient
	// By is the way it has to go; empty: letters by letter, a code by what is held (Best).
	By post.Way
	// Code of a confirmation code. Facts.CodeUntil bounds its sending.
	Code string
	// Facts that the letter is made from.
	Facts letter.Facts
}

// Write composes a letter and puts it into the queue, in the transaction of the step that causes it. The same
// order again is the same letter. Call Wake after the commit. Errors: letter.ErrFacts, and those of the
// database.
func (r *Room) Write(ctx context.Context, tx *sqlx.Tx, o Order) (uuid.UUID, error) {
	content, err := r.cfg.Templates.Compose(o.Facts, r.cfg.Sender)
	if err != nil {
		return uuid.Nil, fmt.Errorf("compose letter: %w", err)
	}
	now := r.cfg.Now().UTC()
	draft := store.LetterDraft{
		OptOutID: o.OptOutID, Occasion: o.Occasion, NHSNumber: o.NHSNumber, Recipient: o.Recipient, By: o.By, Content: content,
		Code: o.Code, QueuedAt: now, GiveUpAt: now.Add(giveUpAfter),
	}
	if o.Code != "" {
		draft.CodeUntil = o.Facts.CodeUntil
	}
	return r.cfg.Store.PutLetter(ctx, tx, draft)
}

// Retry puts a letter that failed back into the queue, under its id. Errors: store.ErrNoLetter;
// store.ErrLetterNotFailed.
func (r *Room) Retry(ctx context.Context, tx *sqlx.Tx, optOut, id uuid.UUID) error {
	next, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("retry letter: %w", err)
	}
	return r.cfg.Store.RetryLetter(ctx, tx, optOut, id, next, r.cfg.Now().UTC().Add(giveUpAfter))
}

// Wake tells the worker that there is something to send, after the commit of a Write or Retry. A hint only.
func (r *Room) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it has been told already
	}
}
