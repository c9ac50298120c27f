// Package live reads a log from outside, as anybody may: its checkpoint and its tiles, over HTTP (C2SP
// tlog-tiles). It believes nothing; checking is audit-svc/verify's business.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const (
	maxCheckpoint = 64 << 10
	attempts      = 4
	firstWait     = 200 * time.Millisecond
)

// errMissing says that the log does not have what was asked for.
var errMissing = errors.New("the log does not have it (404)")

// Log is a log somewhere.
type Log struct {
	base string
	http *http.Client
	wait func(context.Context, time.Duration) error
}

// New makes a Log of the URL above its checkpoint, such as https://gateway.example/tlog. Wait waits between
// attempts.
func New(base string, client *http.Client, wait func(context.Context, time.Duration) error) (*Log, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URL of a log is like https://gateway.example/tlog")
	}
	return &Log{base: strings.TrimRight(base, "/"), http: client, wait: wait}, nil
}

// Checkpoint is the largest signed checkpoint, as the log gives it.
func (l *Log) Checkpoint(ctx context.Context) ([]byte, error) {
	data, err := l.get(ctx, "checkpoint", maxCheckpoint)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	return data, nil
}

// Tile is the content of a tile. A log may have dropped an unfinished tile once it was finished; then the
// finished one is cut to size.
func (l *Log) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	want := t.W * verify.HashSize
	data, err := l.get(ctx, verify.TilePath(t), int64(want))
	if errors.Is(err, errMissing) && t.W < verify.TileWidth {
		whole := t
		whole.W = verify.TileWidth
		data, err = l.get(ctx, verify.TilePath(whole), verify.TileWidth*verify.HashSize)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", verify.TilePath(t), err)
	}
	if len(data) < want {
		return nil, fmt.Errorf("read %s: it has %d bytes", verify.TilePath(t), len(data))
	}
	return data[:want], nil
}

// get reads a path, again when the log is busy or the line is cut.
func (l *Log) get(ctx context.Context, path string, limit int64) ([]byte, error) {
	wait := firstWait
	for n := 1; ; n++ {
		data, again, err := l.try(ctx, path, limit)
		if err == nil || !again || n == attempts {
			return data, err
		}
		if err := l.wait(ctx, wait); err != nil {
			return nil, err
		}
		wait *= 3
	}
}

// try reads once; again says whether another attempt may help.
func (l *Log) try(ctx context.Context, path string, limit int64) (data []byte, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/"+path, nil)
	if err != nil {
		return nil, false, err
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return nil, ctx.Err() == nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, false, errMissing
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError:
		return nil, true, fmt.Errorf("the log answers %d", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return nil, false, fmt.Errorf("the log answers %d", resp.StatusCode)
	}
	data, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, true, err
	}
	if int64(len(data)) > limit {
		return nil, false, fmt.Errorf("the answer is longer than %d bytes", limit)
	}
	return data, false, nil
}
