package verify

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosignatureSize is the length of a cosignature/v1 without the key's number: time and signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// cosigned is the message that a cosignature/v1 signs (C2SP tlog-cosignature): what was seen, and when.
func cosigned(text []byte, seconds uint64) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", seconds), text...)
}

// Cosigner signs checkpoints as a witness.
type Cosigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
}

// NewCosigner reads the private key that GenerateWitnessKey made. The key of a log is refused: one key
// must not sign in two meanings. It returns ErrKey.
func NewCosigner(private string) (*Cosigner, error) {
	if len(private) < len(privatePrefix) || private[:len(privatePrefix)] != privatePrefix {
		return nil, ErrKey
	}
	k, err := decodeKey(private[len(privatePrefix):])
	if err != nil || k.algorithm != algorithmCosignature || len(k.key) != ed25519.SeedSize {
		return nil, ErrKey
	}
	key := ed25519.NewKeyFromSeed(k.key)
	if keyHash(k.name, algorithmCosignature, public(key)) != k.hash {
		return nil, ErrKey
	}
	return &Cosigner{name: k.name, hash: k.hash, key: key}, nil
}

// Name of the witness.
func (c *Cosigner) Name() string { return c.name }

// PublicKey is what others need to check its cosignatures.
func (c *Cosigner) PublicKey() string {
	return fmt.Sprintf("%s+%08x+%s", c.name, c.hash, encodeKey(algorithmCosignature, public(c.key)))
}

// Cosign says that the witness saw a checkpoint at an instant, and no larger one before: one line, to be
// added to the checkpoint's signatures. Text is the checkpoint without signatures. The instant is kept to
// the second.
func (c *Cosigner) Cosign(text string, at time.Time) (string, error) {
	if _, err := ParseCheckpoint(text); err != nil {
		return "", err
	}
	if at.Unix() < 0 {
		return "", errors.New("a cosignature is not made before 1970")
	}
	seconds := uint64(at.Unix())
	sig := binary.BigEndian.AppendUint32(nil, c.hash)
	sig = binary.BigEndian.AppendUint64(sig, seconds)
	sig = append(sig, ed25519.Sign(c.key, cosigned([]byte(text), seconds))...)
	return fmt.Sprintf("— %s %s\n", c.name, base64.StdEncoding.EncodeToString(sig)), nil
}

// witnessKey checks cosignatures: a note.Verifier.
type witnessKey struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// newWitnessKey reads the public key of a witness.
func newWitnessKey(s string) (*witnessKey, error) {
	k, err := decodeKey(s)
	if err != nil || k.algorithm != algorithmCosignature || len(k.key) != ed25519.PublicKeySize {
		return nil, ErrKey
	}
	if keyHash(k.name, algorithmCosignature, k.key) != k.hash {
		return nil, ErrKey
	}
	return &witnessKey{name: k.name, hash: k.hash, key: k.key}, nil
}

// Name of the witness.
func (w *witnessKey) Name() string { return w.name }

// KeyHash of its key.
func (w *witnessKey) KeyHash() uint32 { return w.hash }

// Verify checks time and signature together.
func (w *witnessKey) Verify(text, sig []byte) bool {
	if len(sig) != cosignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig)
	return seconds <= math.MaxInt64 && ed25519.Verify(w.key, cosigned(text, seconds), sig[8:])
}

// cosignedAt is the time inside a signature that witnessKey verified.
func cosignedAt(s note.Signature) (time.Time, error) {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(raw) != 4+cosignatureSize {
		return time.Time{}, ErrCheckpoint
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), nil
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }
