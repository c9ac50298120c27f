package stack

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// answerLimit bounds what is read of one answer.
const answerLimit = 64 << 20

// REST is a client of the gateway, as any other client would be: it has a base URL, a CA and tokens.
type REST struct {
	BaseURL string
	HTTP    *http.Client
}

// Answer is what the gateway said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewREST makes a client that trusts the CA of caFile alone.
func NewREST(baseURL, caFile string) (*REST, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 64,
		ForceAttemptHTTP2:   true,
		IdleConnTimeout:     30 * time.Second,
	}
	return &REST{BaseURL: baseURL, HTTP: &http.Client{Transport: transport, Timeout: 60 * time.Second}}, nil
}

// Do sends one call. body may be nil.
func (c *REST) Do(ctx context.Context, method, path, token, contentType string, body []byte) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return c.Send(req)
}

// Send sends a request that the caller made.
func (c *REST) Send(req *http.Request) (*Answer, error) {
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: text}, nil
}

// Get is a call without a body.
func (c *REST) Get(ctx context.Context, path, token string) (*Answer, error) {
	return c.Do(ctx, http.MethodGet, path, token, "", nil)
}

// Post sends a message as JSON, with the names of the contract.
func (c *REST) Post(ctx context.Context, path, token string, in proto.Message) (*Answer, error) {
	return c.message(ctx, http.MethodPost, path, token, in)
}

// Put sends a message likewise.
func (c *REST) Put(ctx context.Context, path, token string, in proto.Message) (*Answer, error) {
	return c.message(ctx, http.MethodPut, path, token, in)
}

func (c *REST) message(ctx context.Context, method, path, token string, in proto.Message) (*Answer, error) {
	body, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(in)
	if err != nil {
		return nil, err
	}
	return c.Do(ctx, method, path, token, "application/json", body)
}

// Submit sends a FHIR bundle.
func (c *REST) Submit(ctx context.Context, token string, bundle []byte) (*Answer, error) {
	return c.Do(ctx, http.MethodPost, "/fhir/R4", token, "application/fhir+json", bundle)
}

// Reason of a refusal: of an AIP-193 error, or of an OperationOutcome; empty when the answer has none.
func (a *Answer) Reason() string {
	var body struct {
		Error struct {
			Details []struct {
				Reason string `json:"reason"`
			} `json:"details"`
		} `json:"error"`
		Issue []struct {
			Details struct {
				Coding []struct {
					Code string `json:"code"`
				} `json:"coding"`
			} `json:"details"`
		} `json:"issue"`
	}
	if json.Unmarshal(a.Body, &body) != nil {
		return ""
	}
	for _, d := range body.Error.Details {
		if d.Reason != "" {
			return d.Reason
		}
	}
	for _, i := range body.Issue {
		for _, c := range i.Details.Coding {
			return c.Code
		}
	}
	return ""
}

// Err is nil for a 2xx answer, otherwise an error with status and reason, without the body.
func (a *Answer) Err() error {
	if a.Status/100 == 2 {
		return nil
	}
	return fmt.Errorf("status %d, reason %s", a.Status, a.Reason())
}
