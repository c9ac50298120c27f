// Package keyring keeps an issuer's signing keys in a file, newest first, so that a restart does not make tokens void.
package keyring

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// Algorithm that every key signs with. RS256 is what CIS2 uses, and it is cheap to verify, which is what a gateway does
// all day.
const Algorithm = jose.RS256

const (
	fileName = "signing-keys.json"
	keyBits  = 2048
)

// Ring is a set of signing keys: the first signs, all are published. Its methods may be called side by side.
type Ring struct {
	dir string

	mu   sync.RWMutex
	keys []jose.JSONWebKey
}

// Open reads the keys in dir. A folder without a key file is given one with a fresh key, if dir can be written.
func Open(dir string) (*Ring, error) {
	ring := &Ring{dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return ring, ring.Rotate()
	}
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("decode signing keys: %w", err)
	}
	for _, key := range set.Keys {
		if key.IsPublic() || !key.Valid() || key.Algorithm != string(Algorithm) {
			return nil, fmt.Errorf("signing key %q: not a private %s key", key.KeyID, Algorithm)
		}
	}
	if len(set.Keys) == 0 {
		return nil, errors.New("signing keys: file holds none")
	}
	ring.keys = set.Keys
	return ring, nil
}

// Current is the key that signs, its private part included.
func (r *Ring) Current() jose.JSONWebKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys[0]
}

// Public is every published key, newest first, without private parts.
func (r *Ring) Public() []jose.JSONWebKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	public := make([]jose.JSONWebKey, 0, len(r.keys))
	for _, key := range r.keys {
		public = append(public, key.Public())
	}
	return public
}

// Rotate makes a new key the one that signs. The earlier ones stay published: what they signed stays valid.
func (r *Ring) Rotate() error {
	key, err := generate()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replace(append([]jose.JSONWebKey{key}, r.keys...))
}

// Retire withdraws every key but the one that signs. What the others signed is refused from then on, as soon as a
// verifier has fetched the key set anew.
func (r *Ring) Retire() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.replace(r.keys[:1:1])
}

// replace stores the keys and then uses them. The file is swapped whole: a crash leaves the old one or the new one.
func (r *Ring) replace(keys []jose.JSONWebKey) error {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		return fmt.Errorf("encode signing keys: %w", err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("store signing keys: %w", err)
	}
	path := filepath.Join(r.dir, fileName)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("store signing keys: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("store signing keys: %w", err)
	}
	r.keys = keys
	return nil
}

func generate() (jose.JSONWebKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	id := make([]byte, 8)
	if _, err := rand.Read(id); err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("name signing key: %w", err)
	}
	return jose.JSONWebKey{Key: private, KeyID: hex.EncodeToString(id), Algorithm: string(Algorithm), Use: "sig"}, nil
}
