package verify

import (
	"crypto/sha256"
	"errors"
)

const (
	// HashSize is the length of a leaf in bytes.
	HashSize = sha256.Size
	// NonceSize is the length of a nonce in bytes. It is fixed, so that nonce and event cannot be cut
	// apart at another place.
	NonceSize = 32
)

// leafPrefix tells leaves from the inner nodes of a tree (RFC 6962 section 2.1), so that no node can be
// passed off as an event.
const leafPrefix = 0x00

var (
	// ErrNonce is returned for a nonce that is not NonceSize bytes long.
	ErrNonce = errors.New("the nonce of a leaf is 32 bytes")
	// ErrEmpty is returned for an event without bytes.
	ErrEmpty = errors.New("an event is not empty")
	// ErrLeaf is returned when event and leaf do not belong together.
	ErrLeaf = errors.New("the leaf is not the hash of this event")
)

// LeafHash is the leaf of an event: nonce as drawn when it was stored, body as stored. Body is never
// decoded and encoded again, since encodings of one event may differ.
func LeafHash(nonce, body []byte) ([HashSize]byte, error) {
	if len(nonce) != NonceSize {
		return [HashSize]byte{}, ErrNonce
	}
	if len(body) == 0 {
		return [HashSize]byte{}, ErrEmpty
	}
	h := sha256.New()
	h.Write([]byte{leafPrefix})
	h.Write(nonce)
	h.Write(body)
	return [HashSize]byte(h.Sum(nil)), nil
}

// CheckLeaf tells whether leaf is the hash of nonce and body: nil, ErrNonce, ErrEmpty or ErrLeaf.
func CheckLeaf(nonce, body, leaf []byte) error {
	want, err := LeafHash(nonce, body)
	if err != nil {
		return err
	}
	if string(want[:]) != string(leaf) {
		return ErrLeaf
	}
	return nil
}
