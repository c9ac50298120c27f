package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestLeafHashIsFixed pins the rule: a change of it would make every stored leaf wrong.
func TestLeafHashIsFixed(t *testing.T) {
	t.Parallel()
	nonce := bytes.Repeat([]byte{7}, verify.NonceSize)
	got, err := verify.LeafHash(nonce, []byte("an event"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "6afb9c5893ed80423bcfb353c04db81ae4f770bd97f78224b27db276f7cc576c"
	if hex.EncodeToString(got[:]) != want {
		t.Errorf("leaf %x, want %s", got, want)
	}
	long := sha256.Sum256(append(append([]byte{0}, nonce...), "an event"...))
	if got != long {
		t.Errorf("leaf %x is not SHA-256 of prefix, nonce and event %x", got, long)
	}
}

func TestLeafHashRefuses(t *testing.T) {
	t.Parallel()
	if _, err := verify.LeafHash(make([]byte, 31), []byte("x")); !errors.Is(err, verify.ErrNonce) {
		t.Errorf("short nonce: %v", err)
	}
	if _, err := verify.LeafHash(make([]byte, 32), nil); !errors.Is(err, verify.ErrEmpty) {
		t.Errorf("empty event: %v", err)
	}
}

// TestCheckLeafFindsEveryFlip changes one bit anywhere in nonce, event or leaf.
func TestCheckLeafFindsEveryFlip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nonce := rapid.SliceOfN(rapid.Byte(), verify.NonceSize, verify.NonceSize).Draw(t, "nonce")
		body := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "body")
		hash, err := verify.LeafHash(nonce, body)
		if err != nil {
			t.Fatal(err)
		}
		parts := [][]byte{bytes.Clone(nonce), bytes.Clone(body), bytes.Clone(hash[:])}
		if err := verify.CheckLeaf(parts[0], parts[1], parts[2]); err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		part := parts[rapid.IntRange(0, 2).Draw(t, "part")]
		part[rapid.IntRange(0, len(part)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if err := verify.CheckLeaf(parts[0], parts[1], parts[2]); !errors.Is(err, verify.ErrLeaf) {
			t.Fatalf("changed: %v", err)
		}
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Millisecond)
	id := uuid.Must(uuid.NewV7())
	got, err := verify.Time(id.String())
	if err != nil {
		t.Fatal(err)
	}
	if got.Before(before) || got.After(time.Now()) {
		t.Errorf("time %v of an id made now, %v", got, before)
	}
	for name, id := range map[string]string{
		"empty":        "",
		"version 4":    "0193c9a2-7b1e-4d3a-9f00-000000000000",
		"wrong family": "0193c9a2-7b1e-7d3a-cf00-000000000000",
		"upper case":   "0193C9A2-7b1e-7d3a-9f00-000000000000",
		"no hyphens":   "0193c9a27b1e7d3a9f00000000000000",
		"braces":       "{193c9a2-7b1e-7d3a-9f00-00000000000}",
		"not hex":      "0193c9a2-7b1e-7d3a-9f00-00000000000g",
	} {
		if _, err := verify.Time(id); !errors.Is(err, verify.ErrID) {
			t.Errorf("%s: %v, want ErrID", name, err)
		}
	}
}

// TestFirstIDIsABound: ids of an instant are not below its bound, ids of any earlier millisecond are.
func TestFirstIDIsABound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(1, 1<<47).Draw(t, "at"))
		random := rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "random")
		bound := verify.FirstID(at)
		if same := idAt(at, random); same < bound {
			t.Fatalf("id %s of the instant is below its bound %s", same, bound)
		}
		if earlier := idAt(at.Add(-time.Millisecond), random); earlier >= bound {
			t.Fatalf("id %s of an earlier instant is not below the bound %s", earlier, bound)
		}
		back, err := verify.Time(idAt(at, random))
		if err != nil || !back.Equal(at) {
			t.Fatalf("time %v, %v; want %v", back, err, at)
		}
	})
}

// idAt makes the UUIDv7 of an instant and random bytes.
func idAt(at time.Time, random []byte) string {
	var id uuid.UUID
	copy(id[6:], random)
	for i := range 6 {
		id[i] = byte(at.UnixMilli() >> (40 - 8*i))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}
