// Package api calls the gateway's REST for a member of staff, and asks again while the gateway is busy or away.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/patience"
)

const (
	contentType = "application/json"
	// answerLimit bounds what is read of an answer: a page of 200 rows is a fraction of it.
	answerLimit = 16 << 20
	// longestWord bounds a reason or an id, which come from the other side.
	longestWord = 64
)

// Tokens gives the bearer token of whoever uses dcrctl. Its errors hold no token.
type Tokens interface {
	// Token is a token; fresh asks for another than the one given before, which was not accepted.
	Token(ctx context.Context, fresh bool) (string, error)
}

// Config is what a Client needs, all of it.
type Config struct {
	// Gateway is its https URL.
	Gateway string
	HTTP    *http.Client
	Tokens  Tokens
	// Attempts for a call while the gateway is busy or away.
	Attempts int
	// Wait waits, or returns the context's error.
	Wait func(ctx context.Context, d time.Duration) error
	Now  func() time.Time
}

// Client calls the gateway.
type Client struct {
	Config
	base string
}

// New makes a client.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Gateway)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the gateway is no https URL")
	}
	if cfg.Attempts < 1 {
		return nil, errors.New("attempts are at least 1")
	}
	return &Client{Config: cfg, base: strings.TrimRight(cfg.Gateway, "/")}, nil
}

// Refusal is an answer of the gateway that is no success.
type Refusal struct {
	Status int
	// Reason is stable and without personal data; HTTP_<status> when the answer gives none.
	Reason string
	// Field that is wrong, a path in the message; may be empty.
	Field string
	// RequestID finds the call in the gateway's log; may be empty.
	RequestID  string
	retryAfter time.Duration
}

// Error tells status, reason, field and request, none of which names a person.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("the gateway answers %d, reason %s", r.Status, r.Reason)
	if r.Field != "" {
		text += ", field " + r.Field
	}
	if r.RequestID != "" {
		text += ", request " + r.RequestID
	}
	return text
}

// Call sends in as JSON (nil sends nothing) and reads the answer into out. It may be sent several times, so it must
// be a call that counts once: a read, or one with an id of its own. The error is a *Refusal when there was an answer.
func (c *Client) Call(ctx context.Context, method, path string, in, out proto.Message) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = (protojson.MarshalOptions{UseProtoNames: true}).Marshal(in); err != nil {
			return fmt.Errorf("write the call: %w", err)
		}
	}
	renewed := false
	for attempt := 1; ; attempt++ {
		text, err := c.once(ctx, method, path, body, renewed)
		if err == nil {
			return read(text, out)
		}
		var refusal *Refusal
		answered := errors.As(err, &refusal)
		switch {
		case answered && refusal.Status == http.StatusUnauthorized && !renewed:
			renewed = true // the token may have ended since it was got
			continue
		case answered && !patience.Passing(refusal.Status), !answered && final(err), ctx.Err() != nil:
			return err
		case attempt >= c.Attempts:
			return fmt.Errorf("given up after %d attempts: %w", attempt, err)
		}
		var advice time.Duration
		if answered {
			advice = refusal.retryAfter
		}
		if err := c.Wait(ctx, patience.Pause(attempt, advice)); err != nil {
			return err
		}
	}
}

// tokenError is one that another attempt would meet again.
type tokenError struct{ error }

// Unwrap gives the error itself.
func (e tokenError) Unwrap() error { return e.error }

func final(err error) bool {
	var token tokenError
	return errors.As(err, &token) || patience.Untrusted(err)
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, fresh bool) ([]byte, error) {
	token, err := c.Tokens.Token(ctx, fresh)
	if err != nil {
		return nil, tokenError{err}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, tokenError{err}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", contentType)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call the gateway: %w", withoutURL(err))
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", withoutURL(err))
	}
	if resp.StatusCode/100 != 2 {
		return nil, refusal(resp, text, c.Now())
	}
	return text, nil
}

// withoutURL keeps what a URL could hold out of errors.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func read(text []byte, out proto.Message) error {
	// A gateway of a later release may say more than this one knows.
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, out); err != nil {
		return errors.New("the gateway's answer is not what its contract says")
	}
	return nil
}

// refusal reads an error in the form of AIP-193. What does not look like a reason or an id is left out: an
// answer's words are not ours to print.
func refusal(resp *http.Response, text []byte, now time.Time) *Refusal {
	r := &Refusal{Status: resp.StatusCode, Reason: fmt.Sprintf("HTTP_%d", resp.StatusCode),
		retryAfter: patience.RetryAfter(resp.Header.Get("Retry-After"), now)}
	var body struct {
		Error struct {
			Details []struct {
				Reason     string `json:"reason"`
				RequestID  string `json:"request_id"`
				Violations []struct {
					Field string `json:"field"`
				} `json:"field_violations"`
			} `json:"details"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &body) != nil {
		return r
	}
	for _, d := range body.Error.Details {
		if plain(d.Reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") {
			r.Reason = d.Reason
		}
		if plain(d.RequestID, "0123456789abcdef-") {
			r.RequestID = d.RequestID
		}
		for _, v := range d.Violations {
			if r.Field == "" && plain(v.Field, "abcdefghijklmnopqrstuvwxyz0123456789_.[]") {
				r.Field = v.Field
			}
		}
	}
	return r
}

// plain tells whether s is short and of these characters alone.
func plain(s, letters string) bool {
	return s != "" && len(s) <= longestWord && strings.Trim(s, letters) == ""
}
