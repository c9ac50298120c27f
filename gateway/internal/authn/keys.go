package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// fetchPause is the least time between two readings, so that tokens with
	// made-up key ids cannot make us flood an issuer.
	fetchPause = time.Second
	// maxStale is how long keys are used while the issuer cannot be reached.
	maxStale = time.Hour
	// firstRetry is the pause between attempts while no keys were ever had.
	firstRetry = 2 * time.Second
)

var errUnknownKey = errors.New("the issuer has no such key")

// keyring holds an issuer's keys as last read.
type keyring struct {
	source source
	now    func() time.Time
	// turn is held by whoever reads; the others wait for what is read.
	turn chan struct{}

	mu   sync.Mutex
	keys map[string]jose.JSONWebKey
	// readAt is when keys were last read, triedAt when that was last tried.
	readAt, triedAt time.Time
}

func newKeyring(s source, now func() time.Time) *keyring {
	return &keyring{source: s, now: now, turn: make(chan struct{}, 1)}
}

// key finds a key by its id. An id that is not known is looked for at the
// issuer, which may have rotated its keys. It fails with errUnknownKey when the
// issuer does not have it, and otherwise when the issuer cannot be asked.
func (r *keyring) key(ctx context.Context, id string) (jose.JSONWebKey, error) {
	k, fresh := r.find(id)
	if fresh && k.Valid() {
		return k, nil
	}
	if err := r.read(ctx, r.now()); err != nil {
		// A known key stays good while its issuer is away, for maxStale.
		if !fresh {
			return k, err
		}
	}
	k, fresh = r.find(id)
	switch {
	case !fresh:
		return k, errors.New("the issuer's keys are too old")
	case !k.Valid():
		return k, errUnknownKey
	}
	return k, nil
}

// find looks in the memory; fresh is false when it may not be used any more.
func (r *keyring) find(id string) (k jose.JSONWebKey, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil || r.now().Sub(r.readAt) > maxStale {
		return k, false
	}
	return r.keys[id], true
}

// read reads the keys again, unless somebody did since the instant asked.
func (r *keyring) read(ctx context.Context, since time.Time) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return fmt.Errorf("wait for issuer's keys: %w", ctx.Err())
	}
	r.mu.Lock()
	readAt, triedAt := r.readAt, r.triedAt
	r.mu.Unlock()
	if readAt.After(since) {
		return nil
	}
	if err := wait(ctx, fetchPause-r.now().Sub(triedAt)); err != nil {
		return err
	}
	keys, err := r.source.keys(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.triedAt = r.now()
	if err != nil {
		return err
	}
	r.keys, r.readAt = keys, r.triedAt
	return nil
}

// refresh keeps the keys current until ctx ends; failed is told of each
// attempt that failed.
func (r *keyring) refresh(ctx context.Context, failed func(error)) {
	every := time.Duration(r.source.issuer.RefreshSeconds) * time.Second
	for ctx.Err() == nil {
		pause := every
		if err := r.read(ctx, r.now()); err != nil && ctx.Err() == nil {
			failed(err)
			pause = min(every, firstRetry)
		}
		if wait(ctx, pause) != nil {
			return
		}
	}
}

// ready tells whether keys are at hand.
func (r *keyring) ready() bool {
	_, fresh := r.find("")
	return fresh
}

// snapshot is one key as the protocol library wants a key set: it verifies
// with this key or not at all.
type snapshot struct {
	key        jose.JSONWebKey
	algorithms []jose.SignatureAlgorithm
}

// VerifySignature implements oidc.KeySet.
func (s snapshot) VerifySignature(_ context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, s.algorithms)
	if err != nil {
		return nil, fmt.Errorf("parse token: %w", err)
	}
	header := signed.Signatures[0].Protected
	if s.key.Algorithm != "" && s.key.Algorithm != header.Algorithm {
		return nil, errors.New("the key is for another algorithm")
	}
	if header.KeyID != s.key.KeyID || !slices.Contains(s.algorithms, jose.SignatureAlgorithm(header.Algorithm)) {
		return nil, errors.New("the token is for another key")
	}
	payload, err := signed.Verify(s.key)
	if err != nil {
		return nil, fmt.Errorf("verify signature: %w", err)
	}
	return payload, nil
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
