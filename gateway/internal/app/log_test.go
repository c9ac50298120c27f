package app

import (
	"context"
	"strings"
	"testing"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// fakeLog is the verifiable log of audit-svc: one tile, one checkpoint, and a receipt about a person.
type fakeLog struct {
	auditv1.UnimplementedLogServiceServer
}

const (
	checkpointText = "log.example/audit\n1\nAAAA\n\n— log.example/audit AAAA\n"
	receiptText    = "c2sp.org/tlog-proof@v1\n"
)

func (*fakeLog) GetLog(context.Context, *auditv1.GetLogRequest) (*auditv1.GetLogResponse, error) {
	return &auditv1.GetLogResponse{Origin: "log.example/audit", TreeSize: 1 << 40}, nil
}

func (*fakeLog) GetCheckpoint(context.Context, *auditv1.GetCheckpointRequest) (*auditv1.GetCheckpointResponse, error) {
	return &auditv1.GetCheckpointResponse{Checkpoint: checkpointText, TreeSize: 1}, nil
}

func (*fakeLog) GetTile(_ context.Context, req *auditv1.GetTileRequest) (*auditv1.GetTileResponse, error) {
	return &auditv1.GetTileResponse{Hashes: make([]byte, 32*req.GetWidth())}, nil
}

func (*fakeLog) GetInclusionProof(_ context.Context, req *auditv1.GetInclusionProofRequest) (*auditv1.GetInclusionProofResponse, error) {
	return &auditv1.GetInclusionProofResponse{LeafIndex: req.GetLeafIndex(), TreeSize: req.GetTreeSize()}, nil
}

func (*fakeLog) GetConsistencyProof(_ context.Context, req *auditv1.GetConsistencyProofRequest) (*auditv1.GetConsistencyProofResponse, error) {
	return &auditv1.GetConsistencyProofResponse{First: req.GetFirst(), Second: req.GetSecond()}, nil
}

func (*fakeLog) GetReceipt(_ context.Context, req *auditv1.GetReceiptRequest) (*auditv1.GetReceiptResponse, error) {
	e, untold := untoldEvents()[req.GetEventId()]
	if !untold {
		e = &auditv1.Event{NhsNumber: rich, Outcome: auditv1.Outcome_OUTCOME_RELEASED, Basis: &auditv1.Basis{RelationshipId: "rel-1"}}
	}
	return &auditv1.GetReceiptResponse{File: []byte(receiptText), Event: e}, nil
}

// untoldEvents hold more of a person than whoever made them was told.
func untoldEvents() map[string]*auditv1.Event {
	staff := &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF}
	optedOut, related := []string{"opted_out"}, &auditv1.Basis{RelationshipId: "rel-1", ChoiceNumber: 1}
	return map[string]*auditv1.Event{
		// A view that was refused for want of a relationship, with an opt-out and without.
		"01990000-0000-7000-8000-00000000000a": {NhsNumber: rich, Actor: staff, Outcome: auditv1.Outcome_OUTCOME_REFUSED, Marks: optedOut},
		"01990000-0000-7000-8000-00000000000b": {NhsNumber: rich, Actor: staff, Outcome: auditv1.Outcome_OUTCOME_REFUSED},
		// An explanation without a relationship: it is answered, and what it found stands in its event.
		"01990000-0000-7000-8000-00000000000c": {NhsNumber: rich, Actor: staff, Outcome: auditv1.Outcome_OUTCOME_RELEASED, Marks: optedOut},
		"01990000-0000-7000-8000-00000000000d": {NhsNumber: rich, Actor: staff, Outcome: auditv1.Outcome_OUTCOME_RELEASED},
		"01990000-0000-7000-8000-00000000000e": {NhsNumber: rich, Actor: staff, Outcome: auditv1.Outcome_OUTCOME_FAILED, Basis: related},
		"01990000-0000-7000-8000-00000000000f": {NhsNumber: rich, Actor: staff, Basis: related},
	}
}

// TestLogIsForAnyone: the tree is read without a token; of all that the gateway answers, tiles alone may be kept.
func TestLogIsForAnyone(t *testing.T) {
	s := newStack(t)
	for path, want := range map[string]struct{ kind, cache, body string }{
		"/tlog/checkpoint":               {"text/plain; charset=utf-8", "no-store", checkpointText},
		"/tlog/tile/0/000":               {"application/octet-stream", "public, max-age=31536000, immutable", strings.Repeat("\x00", 32*256)},
		"/tlog/tile/5/x001/x234/067.p/3": {"application/octet-stream", "public, max-age=31536000, immutable", strings.Repeat("\x00", 32*3)},
		"/v1/audit/log":                  {"application/json", "no-store", `"tree_size":"1099511627776"`},
		"/v1/audit/proofs:inclusion?leaf_index=7&tree_size=9": {"application/json", "no-store", `"leaf_index":"7"`},
		"/v1/audit/proofs:consistency?first=7":                {"application/json", "no-store", `"first":"7"`},
	} {
		got := s.do(call{method: "GET", path: path})
		spaceless := strings.ReplaceAll(string(got.body), " ", "")
		if got.status != 200 || (string(got.body) != want.body && !strings.Contains(spaceless, want.body)) {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
		if got.header.Get("Content-Type") != want.kind || len(got.header.Values("Cache-Control")) != 1 ||
			got.header.Get("Cache-Control") != want.cache || got.header.Get("Dcr-Event-Id") != "" {
			t.Errorf("%s: headers %v", path, got.header)
		}
	}
	s.do(call{method: "GET", path: "/tlog/tile/5/x001/x234/067.p/3"})
	if last := lastOf[*auditv1.GetTileRequest](t, s.behind); last.GetLevel() != 5 || last.GetIndex() != 1234067 || last.GetWidth() != 3 {
		t.Errorf("the tile that was asked for: %v", last)
	}
	if got := s.behind.accounted("log.tile"); len(got) != 0 {
		t.Errorf("tiles are accounted for: %v", got)
	}
}

// TestTilesHaveOneName each; entry bundles, which would be the events, have none.
func TestTilesHaveOneName(t *testing.T) {
	s := newStack(t)
	for _, path := range []string{
		"entries/000", "entries/000.p/1", "data/000", "0/0", "0/x000/001", "00/000", "0/000.p/0", "0/000.p/256", "0/000.p/01",
		"6/000", "-1/000", "8/0/000", "0/000/", "0", "0/000.p", "0/%30%30%30/x", "0/x001/001.p/1/2",
	} {
		got := s.do(call{method: "GET", path: "/tlog/tile/" + path})
		if got.status != 404 || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v", path, got.status, got.header)
		}
	}
	wantRefused(t, s.do(call{method: "POST", path: "/tlog/tile/0/000", body: "{}"}), 405, "METHOD_NOT_ALLOWED", "")
	if n := countOf[*auditv1.GetTileRequest](s.behind); n != 0 {
		t.Errorf("%d of them reached audit-svc", n)
	}
}

// TestReceipts: everybody gets those of their own events, and who may list the log gets any. The look is an event about
// the person of the receipt.
func TestReceipts(t *testing.T) {
	s := newStack(t)
	path := "/v1/audit/receipts/" + epoch
	for name, c := range map[string]struct {
		token string
		own   bool
	}{
		"paramedic":       {s.paramedic(), true},
		"administrator":   {s.admin(), true},
		"partner":         {s.system(), true},
		"privacy officer": {s.privacy(), false},
		"guardian":        {s.role("R5105"), false},
	} {
		s.behind.set(func() { s.behind.events = nil })
		got := s.do(call{method: "GET", path: path, token: c.token})
		if got.status != 200 || string(got.body) != receiptText || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") ||
			got.header.Get("Cache-Control") != "no-store" || got.header.Get("Dcr-Event-Id") == "" {
			t.Errorf("%s: %d %q %v", name, got.status, got.body, got.header)
		}
		asked := lastOf[*auditv1.GetReceiptRequest](t, s.behind)
		maker := asked.GetMaker()
		if asked.GetEventId() != epoch || (maker != nil) != c.own {
			t.Errorf("%s asked for %v", name, asked)
		}
		looks := s.behind.accounted("audit.receipt.view")
		if len(looks) != 1 || looks[0].GetNhsNumber() != rich || looks[0].GetId() != got.header.Get("Dcr-Event-Id") {
			t.Fatalf("%s: the looks: %v", name, looks)
		}
		if c.own && (maker.GetIssuer() != looks[0].GetActor().GetIssuer() || maker.GetSubject() != looks[0].GetActor().GetSubject() || maker.GetSubject() == "") {
			t.Errorf("%s asked for the events of %v, and is %v", name, maker, looks[0].GetActor())
		}
	}
	wantRefused(t, s.do(call{method: "GET", path: path}), 401, "UNAUTHENTICATED", "")
	for reason, c := range map[string]struct {
		err    error
		status int
	}{
		"EVENT_NOT_FOUND":   {fault.NotFound("EVENT_NOT_FOUND", "there is no such event"), 404},
		"RECEIPT_NOT_READY": {fault.Unavailable("RECEIPT_NOT_READY", "not yet").After(1e9), 503},
	} {
		s.behind.set(func() { s.behind.fail["/dcr.audit.v1.LogService/GetReceipt"] = c.err })
		got := s.do(call{method: "GET", path: path, token: s.paramedic()})
		wantRefused(t, got, c.status, reason, "")
		if (c.status == 503) != (got.header.Get("Retry-After") != "") {
			t.Errorf("%s: headers %v", reason, got.header)
		}
	}
}

// TestReceiptsTellNoMoreThanTheAnswerDid: an event holds what was found about the person, and is refused to its
// maker where the answer did not tell it, whatever was found; who may list the log has it.
func TestReceiptsTellNoMoreThanTheAnswerDid(t *testing.T) {
	s := newStack(t)
	for id := range untoldEvents() {
		path := "/v1/audit/receipts/" + id
		for _, token := range []string{s.paramedic(), s.admin()} {
			wantRefused(t, s.do(call{method: "GET", path: path, token: token}), 404, "EVENT_NOT_FOUND", "")
		}
		if got := s.do(call{method: "GET", path: path, token: s.privacy()}); got.status != 200 {
			t.Errorf("a privacy officer: %d %s", got.status, got.body)
		}
	}
}
