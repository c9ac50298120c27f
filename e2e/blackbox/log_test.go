package blackbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// proofLimit bounds how long an event may take to come under a signed checkpoint, on a busy machine.
const proofLimit = 30 * time.Second

func logRows() map[string]baseline {
	type made = func(*suite, *testing.T, member, person) proto.Message
	public := func(in proto.Message) made {
		return func(*suite, *testing.T, member, person) proto.Message { return in }
	}
	return map[string]baseline{
		"LogService/GetCheckpoint":       {make: public(&gatewayv1.GetCheckpointRequest{})},
		"LogService/GetLog":              {make: public(&gatewayv1.GetLogRequest{})},
		"LogService/GetTile":             {make: public(&gatewayv1.GetTileRequest{Path: "0/000.p/1"})},
		"LogService/GetInclusionProof":   {make: public(&gatewayv1.GetInclusionProofRequest{LeafIndex: 1})},
		"LogService/GetConsistencyProof": {make: public(&gatewayv1.GetConsistencyProofRequest{First: 1})},
		"LogService/GetReceipt": {role: paramedic, make: func(s *suite, t *testing.T, who member, _ person) proto.Message {
			id := s.ask(t, who, &gatewayv1.GetMeRequest{}).eventID
			s.receipt(t, who, id)
			return &gatewayv1.GetReceiptRequest{EventId: id}
		}},
	}
}

// receipt waits until the receipt of an event can be had.
func (s *suite) receipt(t *testing.T, who member, eventID string) []byte {
	t.Helper()
	for end := time.Now().Add(proofLimit); ; {
		r := s.askAt(t, 1, who, &gatewayv1.GetReceiptRequest{EventId: eventID})
		if r.status == http.StatusOK {
			return r.raw
		}
		if r.reason != "RECEIPT_NOT_READY" || time.Now().After(end) {
			t.Fatalf("receipt: %d %s", r.status, r.reason)
		}
		if r.header.Get("Retry-After") == "" {
			t.Error("a receipt that is not ready does not say when to ask again")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// verifiableLog: a paramedic's view names its event; the receipt of it is checked with the log's public key and
// the libraries of others alone.
func (s *suite) verifiableLog(t *testing.T) {
	crew, p := s.hire(t, paramedic, ambulance, ""), s.attended(t)
	view := s.ask(t, crew, &gatewayv1.GetRecordRequest{NhsNumber: p.number})
	view.want(t, http.StatusOK, "")
	var body struct {
		Access struct {
			EventID string `json:"event_id"`
		} `json:"access"`
	}
	if err := json.Unmarshal(view.raw, &body); err != nil || body.Access.EventID == "" || body.Access.EventID != view.eventID {
		t.Fatalf("the view names event %q in its body and %q in its header: %v", body.Access.EventID, view.eventID, err)
	}
	event := checkReceipt(t, s.receipt(t, crew, view.eventID), s.stack.Audit().Key)
	sum := sha256.Sum256(view.raw)
	if event.GetId() != view.eventID || event.GetNhsNumber() != p.number || string(event.GetDisclosure().GetSha256()) != string(sum[:]) {
		t.Errorf("the receipt proves another event: %v", event)
	}
	for name, who := range map[string]member{"a privacy officer": s.officer, "an audit manager": s.auditor} {
		if got := checkReceipt(t, s.receipt(t, who, view.eventID), s.stack.Audit().Key); got.GetId() != view.eventID {
			t.Errorf("%s gets another event", name)
		}
	}
	colleague := s.hire(t, paramedic, ambulance, "")
	absent := s.ask(t, colleague, &gatewayv1.GetReceiptRequest{EventId: "01990000-0000-7000-8000-000000000000"})
	foreign := s.ask(t, colleague, &gatewayv1.GetReceiptRequest{EventId: view.eventID})
	foreign.want(t, http.StatusNotFound, "EVENT_NOT_FOUND")
	if absent.status != foreign.status || absent.reason != foreign.reason || absent.text != foreign.text {
		t.Errorf("somebody else's event looks different from none: %q, %q", foreign.text, absent.text)
	}
}

// checkReceipt checks a C2SP tlog-proof from first principles, and gives the event that it proves.
func checkReceipt(t *testing.T, file []byte, key string) *auditv1.Event {
	t.Helper()
	head, checkpoint, _ := strings.Cut(string(file), "\n\n")
	lines := strings.Split(head, "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		t.Fatalf("this is no proof: %q", lines[0])
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
	if err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	parts := strings.Split(signed.Text, "\n")
	size, err1 := strconv.ParseInt(parts[1], 10, 64)
	index, err2 := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	extra := unbase64(t, strings.TrimPrefix(lines[1], "extra "))
	leaf := sha256.Sum256(append([]byte{0}, extra...))
	var proof []tlog.Hash
	for _, l := range lines[3:] {
		proof = append(proof, tlog.Hash(unbase64(t, l)))
	}
	if err := tlog.CheckRecord(proof, size, tlog.Hash(unbase64(t, parts[2])), index, leaf); err != nil {
		t.Fatalf("the event is not in the log: %v", err)
	}
	event := &auditv1.Event{}
	if err := proto.Unmarshal(extra[32:], event); err != nil {
		t.Fatal(err)
	}
	return event
}

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
