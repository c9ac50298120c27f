package blackbox_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// documents: a scan goes in as it is and comes out as it was, as a file, for privacy officers alone; what says it
// is something else, or is too large, is not read to its end.
func (s *suite) documents(t *testing.T) {
	o := s.held(t, s.attended(t))
	path, scan := "/v1/opt-outs/"+o.GetId()+"/documents", document("the form of "+o.GetReference())
	send := func(mediaType string, body []byte) result {
		return s.raw(t, http.MethodPost, path, s.officer.token, map[string]string{"Content-Type": mediaType}, body)
	}
	kept := send(scan.GetContentType(), scan.GetData())
	answer, sum := &gatewayv1.AddOptOutDocumentResponse{}, sha256.Sum256(scan.GetData())
	if err := protojson.Unmarshal(kept.raw, answer); err != nil || answer.GetDocument().GetSha256() != hex.EncodeToString(sum[:]) {
		t.Fatalf("kept %d %s", kept.status, kept.raw)
	}
	for name, c := range map[string]struct {
		mediaType string
		body      []byte
		status    int
		reason    string
	}{
		"a program":        {"application/pdf", []byte("MZ\x90"), http.StatusBadRequest, "DOCUMENT_TYPE"},
		"a PDF as PNG":     {"image/png", scan.GetData(), http.StatusBadRequest, "DOCUMENT_TYPE_DIFFERS"},
		"cut off":          {"application/pdf", scan.GetData()[:14], http.StatusBadRequest, "DOCUMENT_INCOMPLETE"},
		"nothing":          {"application/pdf", nil, http.StatusBadRequest, "INVALID_ARGUMENT"},
		"another type":     {"text/html", []byte("<html>"), http.StatusUnsupportedMediaType, "UNSUPPORTED_CONTENT_TYPE"},
		"more than 10 MiB": {"application/pdf", bytes.Repeat([]byte("x"), 10<<20+1), http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE"},
	} {
		if d := send(c.mediaType, c.body).differs(c.status, c.reason); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	file := path + "/" + answer.GetDocument().GetSha256()
	got := s.raw(t, http.MethodGet, file, s.officer.token, nil, nil)
	if got.status != http.StatusOK || !bytes.Equal(got.raw, scan.GetData()) || got.header.Get("Content-Type") != "application/pdf" ||
		got.header.Get("Content-Disposition") != "attachment" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("read %d, %v", got.status, got.header)
	}
	if e := s.event(t, got.eventID); e.GetNhsNumber() != o.GetNhsNumber() || e.GetAction() != "opt_out.document.view" {
		t.Errorf("event %v", e.GetAction())
	}
	for _, role := range []string{paramedic, safeguarder, guardian} {
		if d := s.raw(t, http.MethodGet, file, s.hire(t, role, ambulance, "").token, nil, nil).differs(http.StatusForbidden, "ACCESS_DENIED"); d != "" {
			t.Errorf("%s: %s", role, d)
		}
	}
}
