package authn

import (
	"context"
	"crypto"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// generation is how many tokens are remembered before the older half is forgotten: a county's staff on shift.
const generation = 8192

// known is a token whose signature and claims were checked in full. What it says cannot change; whether it may
// still be used can, and is asked anew each time: its key, and the time.
type known struct {
	issuer *trusted
	keyID  string
	key    jose.JSONWebKey
	caller Caller
	// notBefore and expires bound its use, before leeway.
	notBefore, expires time.Time
}

// memo remembers checked tokens by their digest, so that a member of staff's next call does not parse and
// verify the same bytes again: that took a seventh of the gateway's work on a view. It holds no token and
// answers for no fact about a person or a role's standing, which identity-svc is asked for at every call.
type memo struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]known
}

func (m *memo) find(digest [sha256.Size]byte) (known, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.young[digest]; ok {
		return k, true
	}
	k, ok := m.old[digest]
	if ok {
		m.put(digest, k)
	}
	return k, ok
}

func (m *memo) keep(digest [sha256.Size]byte, k known) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(digest, k)
}

// put is called with the lock held.
func (m *memo) put(digest [sha256.Size]byte, k known) {
	if m.young == nil || len(m.young) >= generation {
		m.young, m.old = map[[sha256.Size]byte]known{}, m.young
	}
	m.young[digest] = k
}

// stands tells whether a token that was checked before still verifies: its issuer still publishes the key
// that verified it.
func (k known) stands(ctx context.Context) bool {
	key, err := k.issuer.ring.key(ctx, k.keyID)
	if err != nil {
		return false
	}
	public, ok := k.key.Key.(interface {
		Equal(other crypto.PublicKey) bool
	})
	return ok && public.Equal(key.Key) && key.Algorithm == k.key.Algorithm
}

// inTime refuses a token that has run out since, or that a clock set back makes early.
func (k known) inTime(now time.Time) error {
	if !k.expires.After(now.Add(-leeway)) {
		return refuse("expiry")
	}
	if k.notBefore.After(now.Add(leeway)) {
		return refuse("not yet valid")
	}
	return nil
}
