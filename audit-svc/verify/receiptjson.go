package verify

import (
	"bytes"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// receiptJSON is a receipt as the suite's REST surface answers it, alone or inside its answer. Numbers of
// 64 bits are strings there.
type receiptJSON struct {
	EventID    string      `json:"event_id"`
	Event      []byte      `json:"event"`
	Nonce      []byte      `json:"nonce"`
	Index      json.Number `json:"leaf_index"`
	Proof      [][]byte    `json:"inclusion_proof"`
	Checkpoint string      `json:"checkpoint"`
}

// parseReceiptJSON reads the answer to GET /v1/audit/receipts/{id}. The event's id beside the event is not
// looked at: only what is hashed is proven.
func parseReceiptJSON(data []byte) (*Receipt, error) {
	var answer struct {
		Receipt *receiptJSON `json:"receipt"`
	}
	inner := &receiptJSON{}
	if err := json.Unmarshal(data, &answer); err == nil && answer.Receipt != nil {
		inner = answer.Receipt
	} else if err := json.Unmarshal(data, inner); err != nil {
		return nil, fmt.Errorf("%w: it is not the JSON of one", ErrReceipt)
	}
	r := &Receipt{Nonce: inner.Nonce, Event: inner.Event, Checkpoint: []byte(inner.Checkpoint)}
	// A leaf_index of 0 may be left out, as everywhere in this JSON.
	if inner.Index != "" {
		var err error
		if r.Index, err = ParseSize(inner.Index.String()); err != nil {
			return nil, fmt.Errorf("%w: the index is no number", ErrReceipt)
		}
	}
	if len(r.Nonce) != NonceSize || len(r.Event) == 0 || len(inner.Proof) > maxProof || len(r.Checkpoint) == 0 {
		return nil, fmt.Errorf("%w: a part of it is missing", ErrReceipt)
	}
	for _, h := range inner.Proof {
		if len(h) != HashSize {
			return nil, fmt.Errorf("%w: a hash is 32 bytes", ErrReceipt)
		}
		r.Proof = append(r.Proof, tlog.Hash(h))
	}
	return r, nil
}

// isJSON tells the two forms of a receipt apart.
func isJSON(data []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) }
