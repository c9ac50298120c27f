package accesshistory_test

import (
	"strings"
	"testing"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/pdf"
	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"
)

// TestPrinted: the document says what the history says, with a reference for each line, and nothing else.
func TestPrinted(t *testing.T) {
	w, a := words(t), asked(t)
	h := w.History(county(), a)
	h.Receipts = []*gatewayv1.AccessReceipt{
		{EventId: h.GetDays()[0].GetLooks()[0].GetEventIds()[0], LeafHash: []byte{0xab, 0xcd}, LeafIndex: 41,
			Proof: "c2sp.org/tlog-proof@v1\nindex 41\n\ndorset.test/log\n42\nroot\n"},
		{EventId: "other", Pending: true},
	}
	press, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []pdf.Format{pdf.Standard, pdf.LargePrint} {
		printed, err := press.Render(w.Document(h, format, a.Zone))
		if err != nil || len(printed.Missing) > 0 {
			t.Fatalf("%v, missing %v", err, printed.Missing)
		}
		text := strings.Join(strings.Fields(pdftest.Text(t, printed.Bytes)), " ")
		for _, want := range []string{
			"999 000 2673", "Sunday 22 November 2026", "Pat Purbeck", "Paramedic", "opened your record", "emergency.",
			"Refused:", "019ab4d6-9c00-7000-8000-000000000003", "abcd", "41", "not yet signed", "dorset.test/log",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("format %d: not printed: %q", format, want)
			}
		}
		if strings.Contains(text, "secret") {
			t.Error("the document tells more than the history")
		}
	}
}
