package witness

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const (
	// callLimit bounds one submission.
	callLimit = 5 * time.Second
	// maxAnswer is more than the longest answer that means anything: some cosignature lines.
	maxAnswer = 16 << 10
)

// What a witness may answer besides a cosignature.
var (
	// errBehind says that the witness has seen another size than we thought; it comes with the size.
	errBehind = errors.New("the witness has seen another size")
	// errRefused says that the witness does not believe that the log only grew, or does not know the log.
	errRefused = errors.New("the witness refuses")
	// errAnswer says that what came back is no answer of a witness.
	errAnswer = errors.New("the answer is not that of a witness")
)

// newClient makes the client for all witnesses. Redirections are not followed: a witness is where its
// operator said.
func newClient(caFile string) (*http.Client, error) {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("DCR_AUDIT_WITNESS_CA_FILE: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, errors.New("DCR_AUDIT_WITNESS_CA_FILE: it holds no certificate")
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{
		Transport: transport, Timeout: callLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// submit sends a checkpoint and gives the lines that came back, or errBehind with the size that the witness
// has seen, errRefused, errAnswer, or why it could not be reached.
func submit(ctx context.Context, client *http.Client, url string, s verify.Submission) (lines string, seen int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/add-checkpoint", bytes.NewReader(s.Format()))
	if err != nil {
		return "", 0, fmt.Errorf("make submission: %w", err)
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := client.Do(req)
	if err != nil {
		return "", 0, fmt.Errorf("submit checkpoint: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", 0, fmt.Errorf("read answer of the witness: %w", err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return string(body), 0, nil
	case http.StatusConflict:
		return conflict(string(body))
	case http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusBadRequest:
		return "", 0, fmt.Errorf("status %d: %w", resp.StatusCode, errRefused)
	default:
		return "", 0, fmt.Errorf("status %d: %w", resp.StatusCode, errAnswer)
	}
}

// conflict reads the size that a witness has seen. A conflict without one is its word for a fork.
func conflict(body string) (lines string, seen int64, err error) {
	size, err := verify.ParseSize(strings.TrimSuffix(body, "\n"))
	if err != nil {
		return "", 0, fmt.Errorf("status %d: %w", http.StatusConflict, errRefused)
	}
	return "", size, errBehind
}
