// Package patience is how long dcrctl waits before it asks the gateway the same again.
package patience

import (
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
	// longestAdvice is the longest Retry-After that is followed.
	longestAdvice = 5 * time.Minute
)

// Pause before the next attempt: doubling, capped, shortened by up to half at random so that workers which failed
// together do not come back together; never shorter than the gateway asks.
func Pause(attempt int, advice time.Duration) time.Duration {
	p := longestPause
	if attempt < 10 {
		p = min(p, firstPause<<(attempt-1))
	}
	p = p/2 + rand.N(p/2+1)
	return max(p, min(advice, longestAdvice))
}

// Passing tells whether an HTTP status speaks of the moment and not of what was sent.
func Passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Untrusted tells whether a call failed because of the gateway's certificate: another attempt would meet it again.
func Untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// RetryAfter reads both forms of that header; 0 when it says nothing.
func RetryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
