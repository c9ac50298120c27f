package service

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Letters writes letters.
type Letters interface {
	// Write puts a letter into the queue in the transaction of the step that causes it: it is sent once that
	// has committed, or not at all. The same occasion again is the same letter.
	Write(ctx context.Context, tx *sqlx.Tx, o Occasion) error
}

// Occasion is why a letter is written.
type Occasion struct {
	// Kind of letter.
	Kind letter.Kind
	// Name tells the occasion from others of its kind about the same request.
	Name string
	// OptOut as it stands after the step, its claim and person with it.
	OptOut store.OptOut
	// At is now.
	At time.Time
	// MadeAt and ConfirmedAt of the choice, for the two confirmations.
	MadeAt, ConfirmedAt time.Time
	// Wanted are the kinds of evidence that are wanted.
	Wanted []string
	// Reason of a refusal, as the policy names it.
	Reason string
	// Code, when it ends to be good, and the way that it has to go.
	Code      string
	CodeUntil time.Time
	By        post.Way
}
