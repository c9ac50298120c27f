package post

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Pauses that Notify's limits ask for when it does not say how long.
const (
	minutePause = time.Minute // of the limit per minute
	dayPause    = time.Hour   // of the limit per day, which ends at midnight
)

// refusal is what an answer other than success means. Only status and error type count: Notify's
// documentation says that its messages change, and they may quote an address.
func refusal(response *http.Response, answer []byte) *Error {
	kind := errorType(answer)
	e := &Error{After: retryAfter(response.Header.Get("Retry-After"))}
	switch code := response.StatusCode; {
	case code == http.StatusTooManyRequests:
		e.Reason = ReasonBusy
		e.After = max(e.After, minutePause)
		if kind == "TooManyRequestsError" {
			e.After = max(e.After, dayPause)
		}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Reason = ReasonKey
	case code == http.StatusBadRequest && kind != "BadRequestError" && kind != "" || code == http.StatusRequestEntityTooLarge:
		e.Reason, e.Final = ReasonRejected, true
	case code == http.StatusRequestTimeout || code >= http.StatusInternalServerError:
		// It may have failed after it took the item.
		e.Reason, e.Unsure = ReasonBroken, true
	case code >= http.StatusBadRequest:
		// In trial, a key of the wrong type, a service that may not send letters, another base URL: nothing
		// that is the item's.
		e.Reason = ReasonNotAllowed
	default:
		e.Reason, e.Unsure = ReasonUnanswered, true
	}
	return e
}

// errorType is the type of the first error that an answer names; empty when it cannot be read.
func errorType(answer []byte) string {
	var body struct {
		Errors []struct {
			Error string `json:"error"`
		} `json:"errors"`
	}
	if json.Unmarshal(answer, &body) != nil || len(body.Errors) == 0 {
		return ""
	}
	return body.Errors[0].Error
}

// retryAfter reads the header's seconds, up to an hour.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}
