package register

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// Writer writes a register in the shape that Read reads.
type Writer struct{ csv *csv.Writer }

// NewWriter writes the header.
func NewWriter(to io.Writer) (*Writer, error) {
	w := &Writer{csv: csv.NewWriter(to)}
	if err := w.csv.Write(columns()); err != nil {
		return nil, fmt.Errorf("write the register: %w", err)
	}
	return w, nil
}

// Write writes a row.
func (w *Writer) Write(r *optoutv1.RegisterRow) error {
	choice, err := wordOf(choices(), cmp.Or(r.GetChoice(), optoutv1.Choice_CHOICE_OUT)) // unspecified means out
	if err != nil {
		return err
	}
	channel, err := wordOf(channels(), r.GetChannel())
	if err != nil {
		return err
	}
	requester, err := wordOf(requesters(), r.GetRequester())
	if err != nil {
		return err
	}
	p := r.GetPerson()
	cells := []string{
		r.GetRowId(), p.GetNhsNumber(), p.GetFamilyName(), p.GetGivenNames(), p.GetBirthDate(), p.GetPostcode(),
		choice, channel, r.GetEvidence(), requester, r.GetReceivedOn(),
	}
	for i, c := range cells {
		cells[i] = escape(c)
	}
	if err := w.csv.Write(cells); err != nil {
		return fmt.Errorf("write the register: %w", err)
	}
	return nil
}

// Flush writes what is still held.
func (w *Writer) Flush() error {
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return fmt.Errorf("write the register: %w", err)
	}
	return nil
}
