package service

import (
	"context"
	"errors"
	"fmt"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/postroom"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Reasons of refusals about letters.
const (
	ReasonLetterNotFound  = "LETTER_NOT_FOUND"
	ReasonLetterNotFailed = "LETTER_NOT_FAILED"
)

// letters implements LetterService.
type letters struct {
	optoutv1.UnimplementedLetterServiceServer
	*core
	room *postroom.Room
}

// RegisterLetters puts LetterService on a server, beside Register.
func (s *Service) RegisterLetters(server grpc.ServiceRegistrar, room *postroom.Room) {
	optoutv1.RegisterLetterServiceServer(server, &letters{core: s.core, room: room})
}

// GetLetter shows a letter as it was written. See the proto for errors.
func (l *letters) GetLetter(ctx context.Context, req *optoutv1.GetLetterRequest) (*optoutv1.GetLetterResponse, error) {
	optOut, id, err := l.find(ctx, req.GetId(), req.GetLetterId())
	if err != nil {
		return nil, err
	}
	shown, err := l.room.Show(ctx, optOut, id, req.GetRendering() == optoutv1.LetterRendering_LETTER_RENDERING_TEXT)
	if err != nil {
		return nil, letterRefused(err)
	}
	return &optoutv1.GetLetterResponse{
		Letter: encodeLetter(shown.Letter), MediaType: shown.MediaType, Content: shown.Bytes, NhsNumber: shown.NHSNumber,
	}, nil
}

// RetryLetter puts a letter that failed back into the queue. See the proto for errors.
func (l *letters) RetryLetter(ctx context.Context, req *optoutv1.RetryLetterRequest) (*optoutv1.RetryLetterResponse, error) {
	if err := checkStaff(req.GetEvent(), l.now()); err != nil {
		return nil, err
	}
	optOut, id, err := l.find(ctx, req.GetId(), req.GetLetterId())
	if err != nil {
		return nil, err
	}
	key, err := accounting.Key(ctx, req)
	if err != nil {
		return nil, err
	}
	var outcome idempotency.Outcome[*optoutv1.GetLetterRequest]
	err = l.store.InTx(ctx, func(tx *sqlx.Tx) error {
		outcome, err = idempotency.Once(ctx, tx, key, accounting.Same(req), func() (idempotency.Outcome[*optoutv1.GetLetterRequest], error) {
			event, err := l.retry(ctx, tx, req, optOut, id)
			return idempotency.Outcome[*optoutv1.GetLetterRequest]{
				Answer: &optoutv1.GetLetterRequest{Id: optOut.String(), LetterId: id.String()}, Deliver: []uuid.UUID{event},
			}, err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	l.room.Wake()
	if err := l.outbox.Flush(ctx, outcome.Deliver...); err != nil {
		return nil, accounting.Unaccounted(err)
	}
	now, _, err := l.store.Letter(ctx, optOut, id)
	if err != nil {
		return nil, letterRefused(err)
	}
	return &optoutv1.RetryLetterResponse{Letter: encodeLetter(now)}, nil
}

// retry queues the letter and accounts for that, in one transaction.
func (l *letters) retry(ctx context.Context, tx *sqlx.Tx, req *optoutv1.RetryLetterRequest, optOut, id uuid.UUID) (uuid.UUID, error) {
	record, _, err := l.store.Letter(ctx, optOut, id)
	if err != nil {
		return uuid.Nil, letterRefused(err)
	}
	if err := l.room.Retry(ctx, tx, optOut, id); err != nil {
		return uuid.Nil, letterRefused(err)
	}
	message, err := accounting.Message(accounting.Complete(req.GetEvent(), accounting.Change{
		Resource: "letter", ID: id.String(), Summary: "letter queued again", NHSNumber: record.NHSNumber,
	}, l.now().UTC()))
	if err != nil {
		return uuid.Nil, err
	}
	if err := outbox.Put(ctx, tx, message); err != nil {
		return uuid.Nil, fmt.Errorf("put event: %w", err)
	}
	return message.ID, nil
}

// find reads the ids and sees that there is such a request.
func (l *letters) find(ctx context.Context, optOutText, letterText string) (optOut, id uuid.UUID, err error) {
	optOut, err = uuid.Parse(optOutText)
	if err != nil || optOut.String() != optOutText {
		return uuid.Nil, uuid.Nil, notFound()
	}
	if _, err = l.store.Get(ctx, nil, optOut); errors.Is(err, store.ErrNotFound) {
		return uuid.Nil, uuid.Nil, notFound()
	}
	if err != nil {
		return uuid.Nil, uuid.Nil, err
	}
	if id, err = uuid.Parse(letterText); err != nil || id.String() != letterText {
		return uuid.Nil, uuid.Nil, letterRefused(store.ErrNoLetter)
	}
	return optOut, id, nil
}

// letterRefused is an error about a letter as the caller is told.
func letterRefused(err error) error {
	switch {
	case errors.Is(err, store.ErrNoLetter):
		return fault.NotFound(ReasonLetterNotFound, "This opt-out has no such letter.")
	case errors.Is(err, store.ErrLetterNotFailed):
		return fault.Precondition(ReasonLetterNotFailed, "Only a letter that failed can be tried again. A code that has ended needs a new one.")
	}
	return err
}
