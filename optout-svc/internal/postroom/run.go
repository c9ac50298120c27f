package postroom

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// asked is how many sent letters are asked for in one round.
const asked = 20

// Run sends letters, and asks what became of them, until the context ends; then it lets attempts under way
// finish and returns nil. It never gives up: trouble with the database is logged and waited out.
func (r *Room) Run(ctx context.Context) error {
	look, follow := time.NewTicker(r.cfg.Poll), time.NewTicker(min(r.cfg.FollowUp, time.Minute))
	defer look.Stop()
	defer follow.Stop()
	for {
		for r.sweep(ctx) {
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-look.C:
		case <-follow.C:
			r.followUp(ctx)
		}
	}
}

// sweep claims and sends one batch, and tells whether there may be more.
func (r *Room) sweep(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	claimed, err := r.cfg.Store.ClaimLetters(ctx, r.cfg.Lease, r.cfg.Concurrency)
	if err != nil {
		r.complain(ctx, "letters cannot be claimed", err)
		return false
	}
	var attempts sync.WaitGroup
	for _, c := range claimed {
		attempts.Go(func() {
			// Stopping lets an attempt finish: cut off, it would have to be asked for.
			if err := r.send(context.WithoutCancel(ctx), c); err != nil {
				r.complain(ctx, "the end of an attempt at a letter cannot be recorded", err)
			}
		})
	}
	attempts.Wait()
	return len(claimed) > 0
}

// followUp asks the post what became of letters that it took, and forgets codes that are good no more.
func (r *Room) followUp(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	if err := r.cfg.Store.ForgetCodes(ctx); err != nil {
		r.complain(ctx, "codes cannot be forgotten", err)
	}
	unsettled, err := r.cfg.Store.UnsettledLetters(ctx, r.cfg.FollowUp, asked)
	if err != nil {
		r.complain(ctx, "sent letters cannot be read", err)
	}
	for _, u := range unsettled {
		if err := r.follow(ctx, u); err != nil {
			r.complain(ctx, "what became of a letter cannot be told", err)
		}
	}
}

// follow asks about one letter. One that the post has forgotten, or will soon, has reached its end unseen.
func (r *Room) follow(ctx context.Context, u store.Unsettled) error {
	sentAgo := time.Duration(u.SentAgo * float64(time.Second))
	if remembers := r.cfg.Outbound.Remembers(); remembers > 0 && sentAgo > remembers {
		return r.cfg.Store.SettleLetter(ctx, u)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Limit)
	defer cancel()
	receipt, found, err := r.cfg.Outbound.Find(ctx, u.PostID, u.By)
	switch {
	case err != nil:
		return err
	case found && receipt.Progress == post.Done:
		return r.cfg.Store.SettleLetter(ctx, u)
	case found && receipt.Progress == post.Returned:
		r.meters.attempted(ctx, u.By, "returned", post.ReasonReturned)
		r.cfg.Log.ErrorContext(ctx, "letter came back: a privacy officer must look", slog.String("letter_id", u.ID.String()))
		return r.cfg.Store.ReturnLetter(ctx, u, post.ReasonReturned)
	}
	return nil // under way, or a folder from which somebody took it
}

// complain logs what cannot be helped now, unless it is the stop.
func (r *Room) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		r.cfg.Log.ErrorContext(ctx, what, slog.String("cause", fault.Trail(err)))
	}
}
