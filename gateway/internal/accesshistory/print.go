package accesshistory

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/pdf"
)

// Document is a history for the printer: the lines with a short reference each, and at the end which entries of
// the log each reference stands for, with their proofs where the history has them.
func (w *Words) Document(h *gatewayv1.AccessHistory, format pdf.Format, zone *time.Location) pdf.Document {
	made := h.GetMadeAt().AsTime()
	d := pdf.Document{Title: w.Title, Lang: "en-GB", Made: made, Format: format, Landscape: true, Footer: w.Title}
	d.Body = append(d.Body, pdf.Heading{Level: 1, Text: h.GetTitle()}, pdf.Pairs{
		{Name: w.Phrases["nhs_number"], Value: h.GetNhsNumber()},
		{Name: w.Phrases["time"], Value: h.GetPeriod()},
		{Name: w.Phrases["made"], Value: w.say("made_at", made.In(zone).Format(longForm), made.In(zone).Format(timeForm))},
	})
	for _, text := range h.GetIntroduction() {
		d.Body = append(d.Body, pdf.Paragraph{Text: text})
	}
	d.Body = append(d.Body, pdf.List{Items: h.GetSummary()})
	references := pdf.Table{Columns: []pdf.Column{{Title: w.Phrases["reference"], Weight: 1}, {Title: w.Phrases["entry"], Weight: 8}}}
	for _, day := range h.GetDays() {
		table := pdf.Table{Columns: []pdf.Column{
			{Title: w.Phrases["when"], Weight: 2}, {Title: w.Phrases["who"], Weight: 4}, {Title: w.Phrases["what"], Weight: 6},
			{Title: w.Phrases["why"], Weight: 4}, {Title: w.Phrases["reference"], Weight: 1.6},
		}}
		for _, l := range day.GetLooks() {
			reference := strconv.Itoa(len(references.Rows) + 1)
			table.Rows = append(table.Rows, append(w.cells(l), reference))
			references.Rows = append(references.Rows, []string{reference, strings.Join(l.GetEventIds(), "\n")})
		}
		d.Body = append(d.Body, pdf.Heading{Level: 2, Text: day.GetTitle()}, table)
	}
	d.Body = append(d.Body, pdf.List{Items: h.GetNotes()})
	if len(references.Rows) > 0 {
		d.Body = append(d.Body, pdf.Heading{Level: 2, Text: w.Phrases["references"]}, references)
	}
	d.Body = append(d.Body, w.proofs(h)...)
	return d
}

// cells of a line but its reference.
func (w *Words) cells(l *gatewayv1.AccessLook) []string {
	who := lines(l.GetWho(), l.GetRole(), l.GetOrganisation())
	what := strings.Join(l.GetWhat(), "\n")
	if parts := strings.Join(l.GetParts(), ", "); parts != "" {
		phrase := "parts"
		if l.GetKind() == gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_RECEIVED {
			phrase = "sent"
		}
		what = lines(what, w.say(phrase, parts))
	}
	why := l.GetWhy()
	if l.GetRefused() != "" {
		why = w.say("refused_because", l.GetRefused())
	}
	return []string{l.GetTime(), who, what, why}
}

func lines(texts ...string) string {
	var all []string
	for _, t := range texts {
		if t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, "\n")
}

// proofs are where each entry stands in the log, its code, and the signed states of the log. The hashes between
// them are public and would fill pages: the log gives them for each place.
func (w *Words) proofs(h *gatewayv1.AccessHistory) []pdf.Block {
	if len(h.GetReceipts()) == 0 {
		return nil
	}
	table := pdf.Table{Columns: []pdf.Column{
		{Title: w.Phrases["entry"], Weight: 4}, {Title: w.Phrases["place"], Weight: 2}, {Title: w.Phrases["code"], Weight: 6},
	}}
	for _, r := range h.GetReceipts() {
		place := w.Phrases["pending"]
		if !r.GetPending() {
			place = strconv.FormatInt(r.GetLeafIndex(), 10)
		}
		table.Rows = append(table.Rows, []string{r.GetEventId(), place, hex.EncodeToString(r.GetLeafHash())})
	}
	blocks := []pdf.Block{pdf.Heading{Level: 2, Text: w.Phrases["receipts"]}, pdf.Paragraph{Text: w.Phrases["receipts_text"]}, table}
	for _, checkpoint := range checkpoints(h) {
		blocks = append(blocks, pdf.Paragraph{Text: w.Phrases["checkpoint"], Strong: true}, pdf.Paragraph{Text: checkpoint})
	}
	return blocks
}

// checkpoints are the signed states under which the proofs lie, each once: what follows the first empty line of a
// proof (C2SP tlog-proof).
func checkpoints(h *gatewayv1.AccessHistory) []string {
	var all []string
	for _, r := range h.GetReceipts() {
		_, checkpoint, ok := strings.Cut(r.GetProof(), "\n\n")
		if ok && !slices.Contains(all, checkpoint) {
			all = append(all, checkpoint)
		}
	}
	return all
}
