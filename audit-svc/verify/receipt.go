package verify

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	receiptHeader = "c2sp.org/tlog-proof@v1"
	// maxReceipt bounds a receipt in bytes: an event of 64 KiB, a proof and a checkpoint.
	maxReceipt = 256 << 10
)

// ErrReceipt is returned for bytes that are no receipt.
var ErrReceipt = errors.New("this is no receipt of an audit event")

// Receipt shows that an event is in the log: everything but the keys, so that it can be checked in twenty
// years without asking anybody. As a file it is a C2SP tlog-proof whose extra data are the nonce and the
// event, one after the other: exactly what is hashed into the leaf.
type Receipt struct {
	// Nonce that hides the event in its leaf, NonceSize bytes.
	Nonce []byte
	// Event as stored: message dcr.audit.v1.Event.
	Event []byte
	// Index of the leaf, from 0.
	Index int64
	// Proof that the leaf is in the tree of Checkpoint, from the leaf's sibling up.
	Proof []tlog.Hash
	// Checkpoint is a signed note of the log, with the cosignatures that it had by then.
	Checkpoint []byte
}

// Format writes the file.
func (r Receipt) Format() []byte {
	var b strings.Builder
	extra := append(append([]byte{}, r.Nonce...), r.Event...)
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", receiptHeader, base64.StdEncoding.EncodeToString(extra), r.Index)
	for _, h := range r.Proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(r.Checkpoint)
	return []byte(b.String())
}

// ParseReceipt reads a file, as GET /v1/audit/receipts/{id} answers it. Whether it is true is Verify's business.
// It returns ErrReceipt.
func ParseReceipt(data []byte) (*Receipt, error) {
	if len(data) > maxReceipt {
		return nil, ErrReceipt
	}
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || checkpoint == "" || len(lines) < 3 || lines[0] != receiptHeader {
		return nil, ErrReceipt
	}
	r := &Receipt{Checkpoint: []byte(checkpoint)}
	var err error
	if r.Nonce, r.Event, err = parseExtra(lines[1]); err != nil {
		return nil, err
	}
	if r.Index, err = parseIndex(lines[2]); err != nil {
		return nil, err
	}
	if r.Proof, err = parseHashes(lines[3:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return r, nil
}

func parseExtra(line string) (nonce, event []byte, err error) {
	text, ok := strings.CutPrefix(line, "extra ")
	if !ok {
		return nil, nil, fmt.Errorf("%w: the event is missing", ErrReceipt)
	}
	extra, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(extra) <= NonceSize || base64.StdEncoding.EncodeToString(extra) != text {
		return nil, nil, fmt.Errorf("%w: nonce and event cannot be read", ErrReceipt)
	}
	return extra[:NonceSize:NonceSize], extra[NonceSize:], nil
}

func parseIndex(line string) (int64, error) {
	text, ok := strings.CutPrefix(line, "index ")
	if !ok {
		return 0, fmt.Errorf("%w: the index is missing", ErrReceipt)
	}
	n, err := ParseSize(text)
	if err != nil {
		return 0, fmt.Errorf("%w: the index is no number", ErrReceipt)
	}
	return n, nil
}

// Verify tells whether the receipt is true: the event hashes to a leaf, the leaf is in the tree of the
// checkpoint, and the log and enough witnesses signed that. On success it gives the checkpoint. It returns
// ErrCheckpoint, ErrSignature, ErrQuorum, ErrNonce, ErrEmpty or ErrInclusion.
func (r *Receipt) Verify(t *Trust) (*Signed, error) {
	signed, err := t.Open(r.Checkpoint)
	if err != nil {
		return nil, err
	}
	leaf, err := LeafHash(r.Nonce, r.Event)
	if err != nil {
		return nil, err
	}
	if err := CheckInclusion(signed.Checkpoint, r.Index, leaf, r.Proof); err != nil {
		return nil, err
	}
	return signed, nil
}
