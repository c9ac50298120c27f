package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/feed"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/folder"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/patience"
)

// deliver sends a bundle until there is an answer that will stay the same. Sending again is safe, since a feed that
// was taken twice counts once. An error ends the import.
func (l *loader) deliver(taking context.Context, b folder.Bundle, content []byte) (feed.Answer, error) {
	renewed := false
	for attempt := 1; ; attempt++ {
		answer, err := l.attempt(b, content, renewed)
		switch {
		case err == nil && answer.Status == http.StatusUnauthorized && !renewed:
			renewed = true // the token may have ended since it was got
			continue
		case err == nil && !patience.Passing(answer.Status):
			return answer, nil
		case taking.Err() != nil:
			return answer, context.Cause(taking)
		case err != nil && !worthRetrying(err):
			return answer, err
		case attempt >= l.Attempts:
			return answer, givenUp(attempt, answer, err)
		}
		if err := l.Wait(taking, patience.Pause(attempt, answer.RetryAfter)); err != nil {
			return answer, err
		}
	}
}

func (l *loader) attempt(b folder.Bundle, content []byte, fresh bool) (feed.Answer, error) {
	token, err := l.Tokens.Token(l.calls, b.Sender, fresh)
	if err != nil {
		return feed.Answer{}, finalError{err}
	}
	return l.Client.Submit(l.calls, token, content)
}

// finalError is one that another attempt would meet again.
type finalError struct{ error }

// Unwrap gives the error itself.
func (e finalError) Unwrap() error { return e.error }

func worthRetrying(err error) bool {
	var final finalError
	return !errors.As(err, &final) && !patience.Untrusted(err)
}

func givenUp(attempts int, a feed.Answer, err error) error {
	if err != nil {
		return fmt.Errorf("no answer after %d attempts: %w", attempts, err)
	}
	return fmt.Errorf("the gateway still answers %d (%s) after %d attempts", a.Status, a.Reason, attempts)
}
