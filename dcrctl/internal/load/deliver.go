package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/feed"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/folder"
)

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	// longestAdvice is the longest Retry-After that is followed.
	longestAdvice = 5 * time.Minute
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
		case err == nil && !passing(answer.Status):
			return answer, nil
		case taking.Err() != nil:
			return answer, context.Cause(taking)
		case err != nil && !worthRetrying(err):
			return answer, err
		case attempt >= l.Attempts:
			return answer, givenUp(attempt, answer, err)
		}
		if err := l.Wait(taking, pause(attempt, answer.RetryAfter)); err != nil {
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
	var certificate *tls.CertificateVerificationError
	return !errors.As(err, &final) && !errors.As(err, &certificate)
}

// passing tells whether the status speaks of the moment and not of the bundle.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func givenUp(attempts int, a feed.Answer, err error) error {
	if err != nil {
		return fmt.Errorf("no answer after %d attempts: %w", attempts, err)
	}
	return fmt.Errorf("the gateway still answers %d (%s) after %d attempts", a.Status, a.Reason, attempts)
}

// pause before the next attempt: doubling, capped, shortened by up to half at random so that workers which failed
// together do not come back together; never shorter than the gateway asks.
func pause(attempt int, advice time.Duration) time.Duration {
	p := longestPause
	if attempt < 10 {
		p = min(p, firstPause<<(attempt-1))
	}
	p = p/2 + rand.N(p/2+1)
	return max(p, min(advice, longestAdvice))
}
