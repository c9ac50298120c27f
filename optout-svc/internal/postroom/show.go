package postroom

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Shown is a letter as privacy officers see it.
type Shown struct {
	store.Letter
	// MediaType of Bytes: PDF, or plain text in UTF-8.
	MediaType string
	Bytes     []byte
}

// Media types of what Show gives.
const (
	MediaPDF  = "application/pdf"
	MediaText = "text/plain; charset=utf-8"
)

// Show gives a letter as it was written, as text or as PDF. The words are those that were sent; the address
// is not, since it is not kept, and a code never is. Errors: store.ErrNoLetter.
func (r *Room) Show(ctx context.Context, optOut, id uuid.UUID, asText bool) (Shown, error) {
	record, content, err := r.cfg.Store.Letter(ctx, optOut, id)
	if err != nil {
		return Shown{}, err
	}
	shown := Shown{Letter: record}
	if asText {
		shown.MediaType, shown.Bytes = MediaText, []byte(content.Text(""))
		return shown, nil
	}
	printed, err := r.cfg.Press.Render(content.Document(nil, "", record.QueuedAt))
	if err != nil {
		return Shown{}, fmt.Errorf("print letter: %w", err)
	}
	shown.MediaType, shown.Bytes = MediaPDF, printed.Bytes
	return shown, nil
}
