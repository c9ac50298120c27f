package claim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
)

// scans are one small document of each type.
func scans(t testing.TB) map[string][]byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 8, 8))
	var asPNG, asJPEG bytes.Buffer
	if err := png.Encode(&asPNG, picture); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&asJPEG, picture, nil); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		claim.TypePDF:  []byte("%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n0\n%%EOF\n"),
		claim.TypePNG:  asPNG.Bytes(),
		claim.TypeJPEG: asJPEG.Bytes(),
		// One directory with one entry, at the end as most writers put it.
		claim.TypeTIFF: []byte("II*\x00\x0a\x00\x00\x00PP\x01\x00" + "\x00\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00" + "\x00\x00\x00\x00"),
	}
}

func limits() claim.Limits {
	return claim.Limits{MaxBytes: 10 << 20, Types: []string{claim.TypePDF, claim.TypePNG, claim.TypeJPEG, claim.TypeTIFF}}
}

// TestDocuments: each type as each declared type; only what it is passes.
func TestDocuments(t *testing.T) {
	t.Parallel()
	for real, content := range scans(t) {
		for declared := range scans(t) {
			doc, problem := claim.CheckDocument(declared, content, limits())
			if declared != real {
				if problem == nil || problem.Reason != claim.ReasonTypeDiffers {
					t.Errorf("%s declared %s: %v", real, declared, problem)
				}
				continue
			}
			sum := sha256.Sum256(content)
			if want := (claim.Document{Type: real, SHA256: hex.EncodeToString(sum[:]), Size: len(content)}); problem != nil || doc != want {
				t.Errorf("%s: %+v, %v", real, doc, problem)
			}
		}
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	all := scans(t)
	few := limits()
	few.Types = []string{claim.TypePDF}
	few.MaxBytes = 100
	for name, c := range map[string]struct {
		declared string
		content  []byte
		limits   claim.Limits
		want     claim.Reason
	}{
		"empty":                 {claim.TypePDF, nil, limits(), claim.ReasonEmpty},
		"program":               {claim.TypePDF, []byte("\x7fELF\x02\x01\x01"), limits(), claim.ReasonType},
		"page of HTML":          {claim.TypePDF, []byte("<html><!-- %PDF-1.7 -->%%EOF"), limits(), claim.ReasonType},
		"PDF behind something":  {claim.TypePDF, append([]byte("MZ"), all[claim.TypePDF]...), limits(), claim.ReasonType},
		"SVG":                   {"image/svg+xml", []byte("<svg onload=x>"), limits(), claim.ReasonType},
		"undeclared":            {"", all[claim.TypePDF], limits(), claim.ReasonTypeDiffers},
		"binary":                {"application/octet-stream", all[claim.TypePNG], limits(), claim.ReasonTypeDiffers},
		"type not kept":         {claim.TypePNG, all[claim.TypePNG][:90], few, claim.ReasonType},
		"too large":             {claim.TypePDF, []byte("%PDF-" + strings.Repeat(" ", 100) + "%%EOF"), few, claim.ReasonTooLarge},
		"as large as may be":    {claim.TypePDF, []byte("%PDF-" + strings.Repeat(" ", 90) + "%%EOF"), few, ""},
		"TIFF past its end":     {claim.TypeTIFF, []byte("MM\x00*\xff\xff\xff\xff"), limits(), claim.ReasonCutOff},
		"TIFF without header":   {claim.TypeTIFF, []byte("MM\x00*"), limits(), claim.ReasonCutOff},
		"TIFF of no entries":    {claim.TypeTIFF, []byte("MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00"), limits(), claim.ReasonCutOff},
		"end far from the end":  {claim.TypePDF, []byte("%PDF-%%EOF" + strings.Repeat(" ", 2000)), limits(), claim.ReasonCutOff},
		"TIFF, directory first": {claim.TypeTIFF, []byte("MM\x00*\x00\x00\x00\x08\x00\x01" + "\x01\x00\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00" + "\x00\x00\x00\x00"), limits(), ""},
	} {
		_, problem := claim.CheckDocument(c.declared, c.content, c.limits)
		var got claim.Reason
		if problem != nil {
			got = problem.Reason
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestCutOffDocuments: half of any is none.
func TestCutOffDocuments(t *testing.T) {
	t.Parallel()
	for real, content := range scans(t) {
		for cut := 30; cut < 40; cut++ { // past the first bytes, before the last
			if cut >= len(content)-6 {
				continue
			}
			if _, problem := claim.CheckDocument(real, content[:cut], limits()); problem == nil {
				t.Errorf("%s of %d bytes is accepted at %d", real, len(content), cut)
			}
		}
	}
	tiff := scans(t)[claim.TypeTIFF]
	if _, problem := claim.CheckDocument(claim.TypeTIFF, tiff[:20], limits()); problem == nil {
		t.Error("a TIFF without its entries is accepted")
	}
}

// FuzzCheckDocument: no content brings it down, and what is accepted is what it begins with.
func FuzzCheckDocument(f *testing.F) {
	for real, content := range scans(f) {
		f.Add(real, content)
	}
	f.Fuzz(func(t *testing.T, declared string, content []byte) {
		doc, problem := claim.CheckDocument(declared, content, limits())
		if problem == nil && (doc.Type != claim.Sniff(content) || doc.Type != declared || doc.Size != len(content)) {
			t.Errorf("%+v is accepted as %s", doc, declared)
		}
	})
}
