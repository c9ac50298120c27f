package fhir

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// DigestExact is the digest of the bytes as they came.
func DigestExact(raw []byte) Digest { return sha256.Sum256(raw) }

// DigestContent is the digest of the resource without the white space between
// its tokens: the same resource printed differently has the same one. Member
// order counts, since a sender that repeats itself repeats it. raw is valid JSON.
func DigestContent(raw []byte) Digest { return sha256.Sum256(compact(raw)) }

// compact leaves out the white space between tokens; raw itself when it has none.
func compact(raw []byte) []byte {
	var out []byte
	from := 0
	for at := 0; at < len(raw); {
		if raw[at] == '"' {
			at = skipString(raw, at)
			continue
		}
		end := space(raw, at)
		if end == at {
			at++
			continue
		}
		if out == nil {
			out = make([]byte, 0, len(raw))
		}
		out = append(out, raw[from:at]...)
		from, at = end, end
	}
	if out == nil {
		return raw
	}
	return append(out, raw[from:]...)
}

// DigestStated is the digest of everything that a resource states, whatever the order
// of its members: all but the members named in except. It is for comparing what
// two organisations say, where except holds what only tells who says it.
func DigestStated(raw []byte, except ...string) (Digest, error) {
	var all map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		return Digest{}, fmt.Errorf("decode resource: %w", err)
	}
	for _, name := range except {
		delete(all, name)
	}
	sorted, err := json.Marshal(all)
	if err != nil {
		return Digest{}, fmt.Errorf("print resource: %w", err)
	}
	return sha256.Sum256(sorted), nil
}
