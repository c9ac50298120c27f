package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxSubmission bounds what is sent to a witness, in bytes: a proof and a checkpoint.
const MaxSubmission = maxCheckpoint + 8<<10

// ErrSubmission is returned for bytes that are no submission to a witness.
var ErrSubmission = errors.New("this is no submission to a witness")

// Submission is what a log sends to a witness: the body of add-checkpoint in C2SP tlog-witness.
type Submission struct {
	// Old is the size that the log believes the witness to have seen last; 0 when it does not know.
	Old int64
	// Proof that the tree of Old leaves is the beginning of the checkpoint's; empty when Old is 0.
	Proof []tlog.Hash
	// Checkpoint is the whole signed note.
	Checkpoint []byte
}

// Format writes the body.
func (s Submission) Format() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "old %d\n", s.Old)
	for _, h := range s.Proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(s.Checkpoint)
	return []byte(b.String())
}

// ParseSubmission reads a body. What the checkpoint says is not looked at. It returns ErrSubmission.
func ParseSubmission(body []byte) (Submission, error) {
	if len(body) > MaxSubmission {
		return Submission{}, ErrSubmission
	}
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	if !ok || checkpoint == "" {
		return Submission{}, ErrSubmission
	}
	lines := strings.Split(head, "\n")
	old, ok := strings.CutPrefix(lines[0], "old ")
	if !ok {
		return Submission{}, ErrSubmission
	}
	size, err := ParseSize(old)
	if err != nil {
		return Submission{}, fmt.Errorf("%w: %w", ErrSubmission, err)
	}
	proof, err := parseHashes(lines[1:])
	if err != nil {
		return Submission{}, fmt.Errorf("%w: %w", ErrSubmission, err)
	}
	return Submission{Old: size, Proof: proof, Checkpoint: []byte(checkpoint)}, nil
}

// parseHashes reads a proof, one hash on a line.
func parseHashes(lines []string) ([]tlog.Hash, error) {
	if len(lines) > maxProof {
		return nil, errors.New("a proof has at most 63 hashes")
	}
	var proof []tlog.Hash
	for _, l := range lines {
		h, err := parseHash(l)
		if err != nil {
			return nil, err
		}
		proof = append(proof, h)
	}
	return proof, nil
}

// OriginOf is the first line of a signed checkpoint, before anything of it is checked: it tells which log's
// keys to check it with.
func OriginOf(message []byte) string {
	origin, _, _ := strings.Cut(string(message), "\n")
	return origin
}
