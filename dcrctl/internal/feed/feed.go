// Package feed sends FHIR bundles to the gateway and reads what it says of each.
package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/patience"
)

const (
	contentType = "application/fhir+json"
	// answerLimit bounds what is read of an answer: that of 5,000 entries is about a megabyte.
	answerLimit = 16 << 20
	// longestReason bounds a reason, which comes from the other side.
	longestReason = 64
)

// Client posts bundles.
type Client struct {
	url  string
	http *http.Client
	now  func() time.Time
}

// New makes a client of a gateway by its base URL, which must be https.
func New(gateway string, client *http.Client, now func() time.Time) (*Client, error) {
	u, err := url.Parse(gateway)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the gateway is no https URL")
	}
	return &Client{url: strings.TrimRight(gateway, "/") + "/fhir/R4", http: client, now: now}, nil
}

// Answer is what the gateway said of a bundle.
type Answer struct {
	Status int
	// Reason of a refusal, stable and without personal data; HTTP_<status> when there is none.
	Reason string
	// RequestID finds the call in the gateway's log; empty when the answer has none.
	RequestID string
	// RetryAfter is how long to wait before the same again; 0 when it does not say.
	RetryAfter time.Duration
}

// Submit sends one bundle. An error means that there was no answer.
func (c *Client) Submit(ctx context.Context, token string, bundle []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(bundle))
	if err != nil {
		return Answer{}, fmt.Errorf("send a bundle: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Accept", contentType)
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("send a bundle: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer: %w", err)
	}
	a := Answer{Status: resp.StatusCode, RetryAfter: patience.RetryAfter(resp.Header.Get("Retry-After"), c.now())}
	if a.Status/100 != 2 {
		a.Reason, a.RequestID = readOutcome(text)
		if a.Reason == "" {
			a.Reason = "HTTP_" + strconv.Itoa(a.Status)
		}
	}
	return a, nil
}

// readOutcome reads an OperationOutcome. What does not look like a reason or an id is left out: an answer's words
// are not ours to print.
func readOutcome(text []byte) (reason, requestID string) {
	var outcome struct {
		Issue []struct {
			Details struct {
				Coding []struct {
					Code string `json:"code"`
				} `json:"coding"`
			} `json:"details"`
			Diagnostics string `json:"diagnostics"`
		} `json:"issue"`
	}
	if json.Unmarshal(text, &outcome) != nil {
		return "", ""
	}
	for _, issue := range outcome.Issue {
		if id := strings.TrimPrefix(issue.Diagnostics, "request "); requestID == "" && plain(id, "0123456789abcdef-") {
			requestID = id
		}
		for _, coding := range issue.Details.Coding {
			if reason == "" && plain(coding.Code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") {
				reason = coding.Code
			}
		}
	}
	return reason, requestID
}

// plain tells whether s is short and of these characters alone.
func plain(s, letters string) bool {
	return s != "" && len(s) <= longestReason && strings.Trim(s, letters) == ""
}

// Resources counts the entries of a bundle, for the progress alone: 0 when it cannot be read.
func Resources(bundle []byte) int {
	var b struct {
		Entry []json.RawMessage `json:"entry"`
	}
	if json.Unmarshal(bundle, &b) != nil {
		return 0
	}
	return len(b.Entry)
}
