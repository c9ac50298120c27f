package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	pdfType = "application/pdf"
	pngType = "image/png"
)

// scan is a document that says it is a PDF, and is one as far as anybody looks.
func scan(text string) []byte { return []byte("%PDF-1.7\n" + text + "\n%%EOF\n") }

// adds adds a document.
func (s *suite) adds(id, mediaType string, content []byte) (*optoutv1.AddDocumentResponse, error) {
	s.t.Helper()
	return s.documents().AddDocument(limit(s.t), &optoutv1.AddDocumentRequest{
		Id: id, MediaType: mediaType, Content: content, Event: event("opt_out.document.add"),
	})
}

// TestDocuments: what is kept is what was sent, once, under its hash; what is not what it says it is, or is cut
// off, or too large, is not kept.
func TestDocuments(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	req := optOut(person)
	req.Hold = true
	id := s.mustRegister(req).GetId()
	content := scan("the form")
	sum := sha256.Sum256(content)
	name := hex.EncodeToString(sum[:])
	for range 2 {
		got, err := s.adds(id, pdfType, content)
		if err != nil || got.GetDocument().GetSha256() != name || got.GetDocument().GetSize() != int64(len(content)) || len(got.GetOptOut().GetDocuments()) != 1 {
			t.Fatalf("added %v, %v", got, err)
		}
	}
	wantHistory(t, s.get(id), "submit", "match", "document")
	read, err := s.documents().GetDocument(limit(t), &optoutv1.GetDocumentRequest{Id: id, Sha256: name})
	if err != nil || !bytes.Equal(read.GetContent(), content) || read.GetDocument().GetMediaType() != pdfType || read.GetNhsNumber() != person {
		t.Errorf("read %v, %v", read.GetDocument(), err)
	}
	for want, bad := range map[string]struct {
		mediaType string
		content   []byte
	}{
		"DOCUMENT_TYPE":         {pdfType, []byte("MZ\x90 this is a program")},
		"DOCUMENT_TYPE_DIFFERS": {pngType, content},
		"DOCUMENT_INCOMPLETE":   {pdfType, content[:12]},
		"DOCUMENT_TOO_LARGE":    {pdfType, append(bytes.Repeat([]byte("x"), 10<<20), content...)},
	} {
		_, err := s.adds(id, bad.mediaType, bad.content)
		wantReason(t, err, want)
	}
	s.wantRows("document", 1)
	for range 19 {
		if _, err := s.adds(id, pdfType, scan(uuid.NewString())); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.adds(id, pdfType, scan("one too many"))
	wantReason(t, err, "TOO_MANY_DOCUMENTS")

	form := []*optoutv1.EvidenceItem{{Kind: "scanned_form", DocumentSha256: hex.EncodeToString(make([]byte, 32))}}
	_, err = s.writer().RecordEvidence(limit(t), &optoutv1.RecordEvidenceRequest{
		RequestId: uuid.NewString(), Id: id, EvidenceItems: form, Event: event("opt_out.record_evidence"),
	})
	wantReason(t, err, "DOCUMENT_NOT_FOUND")
	form[0].DocumentSha256 = name
	if got := s.records(id, form...); got.GetEvidenceItems()[0].GetDocumentSha256() != name {
		t.Errorf("evidence %v", got.GetEvidenceItems())
	}
	other := s.mustRegister(optOut(otherPerson)).GetId()
	for _, of := range []string{other, uuid.NewString()} {
		if _, err := s.documents().GetDocument(limit(t), &optoutv1.GetDocumentRequest{Id: of, Sha256: name}); status.Code(err) != codes.NotFound {
			t.Errorf("a document of another request: %v", err)
		}
	}
	s.mustWithdraw(id)
	_, err = s.adds(id, pdfType, scan("too late"))
	wantReason(t, err, "REQUEST_CLOSED")
}
