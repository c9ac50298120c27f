package app

import (
	"strings"
	"testing"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func (s *suite) logs(t testing.TB) auditv1.LogServiceClient {
	t.Helper()
	return auditv1.NewLogServiceClient(s.dial(t, gateway))
}

func (s *suite) trust(t testing.TB) *verify.Trust {
	t.Helper()
	trust, err := verify.NewTrust([]string{s.logKey}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// receipt waits until a receipt can be had: until then the only answer is that it is not ready.
func receipt(t testing.TB, c auditv1.LogServiceClient, req *auditv1.GetReceiptRequest) *auditv1.GetReceiptResponse {
	t.Helper()
	ctx := limit(t)
	for {
		got, err := c.GetReceipt(ctx, req)
		if err == nil {
			return got
		}
		if fault.ReasonOf(err) != "RECEIPT_NOT_READY" {
			t.Fatalf("receipt: %v", err)
		}
		select {
		case <-ctx.Done():
			t.Fatal("no receipt in time")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestReceipt: whoever made an event gets what proves it, with nothing but the public key; for everybody else
// there is no such event.
func TestReceipt(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 2)
	appends, logs := s.appender(t, gateway), s.logs(t)
	var mine *auditv1.Event
	for i := range 300 { // over a tile
		e := newEvent()
		e.Actor.Issuer, e.Actor.Subject = "https://issuer.example", "me"
		if i == 7 {
			mine = e
		}
		mustSend(t, appends, e)
	}
	maker := &auditv1.EventMaker{Issuer: "https://issuer.example", Subject: "me"}
	for name, m := range map[string]*auditv1.EventMaker{"whoever made it": maker, "anybody permitted": nil} {
		got := receipt(t, logs, &auditv1.GetReceiptRequest{EventId: mine.GetId(), Maker: m})
		r, err := verify.ParseReceipt(got.GetFile())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		signed, err := r.Verify(s.trust(t))
		if err != nil || signed.Size != got.GetTreeSize() || r.Index != got.GetLeafIndex() || got.GetWitnessed() {
			t.Errorf("%s: %v, %v", name, signed, err)
		}
		proven, err := event.Decode(r.Event)
		if err != nil || !proto.Equal(proven, mine) || !proto.Equal(got.GetEvent(), mine) {
			t.Errorf("%s: another event is proven: %v, %v", name, proven, err)
		}
	}
	for name, req := range map[string]*auditv1.GetReceiptRequest{
		"another subject": {EventId: mine.GetId(), Maker: &auditv1.EventMaker{Issuer: maker.GetIssuer(), Subject: "you"}},
		"another issuer":  {EventId: mine.GetId(), Maker: &auditv1.EventMaker{Issuer: "https://other.example", Subject: "me"}},
		"no such event":   {EventId: newEvent().GetId()},
		"no id":           {EventId: "x"},
	} {
		_, err := logs.GetReceipt(limit(t), req)
		if fault.ReasonOf(err) != "EVENT_NOT_FOUND" || !strings.HasSuffix(err.Error(), "there is no such event") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestChangedEventHasNoReceipt: an event that is not what the tree has of it is not handed out as proven.
func TestChangedEventHasNoReceipt(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"the event":          `UPDATE event SET body = body || '\x00'`,
		"event and its leaf": `UPDATE event SET body = body || '\x00', leaf_hash = sha256('\x00'::bytea || nonce || body || '\x00'::bytea)`,
		"leaf in the tree":   `UPDATE leaf SET leaf_hash = sha256('x')`,
		"all but the root":   `WITH e AS (UPDATE event SET leaf_hash = sha256('\x00'::bytea || nonce || body || '\x00'::bytea), body = body || '\x00' RETURNING leaf_hash) UPDATE leaf SET leaf_hash = e.leaf_hash FROM e`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := database(t)
			s := serveTest(t, h.AppURL, 1)
			e := newEvent()
			mustSend(t, s.appender(t, gateway), e)
			receipt(t, s.logs(t), &auditv1.GetReceiptRequest{EventId: e.GetId()})
			if _, err := h.Owner.ExecContext(limit(t), text); err != nil {
				t.Fatal(err)
			}
			_, err := s.logs(t).GetReceipt(limit(t), &auditv1.GetReceiptRequest{EventId: e.GetId()})
			wantReason(t, err, "INTERNAL")
		})
	}
}

// TestLogFromOutside reads the log as an auditor does: name and keys, checkpoint, tiles, proofs.
func TestLogFromOutside(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	logs := s.logs(t)
	for range 3 {
		mustSend(t, s.appender(t, gateway), newEvent(), newEvent())
	}
	signed := s.signed(t, logs, 6)
	about, err := logs.GetLog(limit(t), &auditv1.GetLogRequest{})
	if err != nil || about.GetOrigin() != logName || about.GetTreeSize() != 6 || string(about.GetRootHash()) != string(signed.Root[:]) ||
		len(about.GetKeys()) != 1 || about.GetKeys()[0].GetVerifier() != s.logKey || !strings.Contains(s.logKey, "+"+about.GetKeys()[0].GetKeyId()+"+") {
		t.Errorf("log %v, %v", about, err)
	}
	tiles, err := logs.GetTile(limit(t), &auditv1.GetTileRequest{Width: 6})
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := verify.TileData(tlog.Tile{H: 8, W: 6}, tiles.GetHashes())
	if err != nil {
		t.Fatal(err)
	}
	b := &verify.Builder{}
	for i, leaf := range hashes {
		if err := b.Add(leaf); err != nil {
			t.Fatal(err)
		}
		p, err := logs.GetInclusionProof(limit(t), &auditv1.GetInclusionProofRequest{LeafIndex: int64(i)})
		if err != nil || tlog.CheckRecord(hashesOf(p.GetHashes()), 6, signed.Root, int64(i), tlog.Hash(p.GetLeafHash())) != nil || p.GetTreeSize() != 6 {
			t.Errorf("leaf %d: %v, %v", i, p, err)
		}
		older := int64(i + 1)
		c, err := logs.GetConsistencyProof(limit(t), &auditv1.GetConsistencyProofRequest{First: older})
		if err != nil || verify.CheckConsistency(verify.Checkpoint{Origin: logName, Size: older, Root: b.Root()}, signed.Checkpoint, hashesOf(c.GetHashes())) != nil {
			t.Errorf("consistency with %d: %v, %v", older, c, err)
		}
	}
	if b.Root() != signed.Root {
		t.Error("the tile is not that of the checkpoint")
	}
}

// signed waits for a checkpoint of a size, and opens it.
func (s *suite) signed(t testing.TB, logs auditv1.LogServiceClient, size int64) *verify.Signed {
	t.Helper()
	ctx := limit(t)
	for {
		got, err := logs.GetCheckpoint(ctx, &auditv1.GetCheckpointRequest{})
		if err == nil && got.GetTreeSize() >= size {
			signed, err := s.trust(t).Open([]byte(got.GetCheckpoint()))
			if err != nil {
				t.Fatal(err)
			}
			return signed
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no checkpoint of %d leaves: %v", size, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func hashesOf(raw [][]byte) []tlog.Hash {
	all := make([]tlog.Hash, len(raw))
	for i, h := range raw {
		all[i] = tlog.Hash(h)
	}
	return all
}

func TestLogRefuses(t *testing.T) {
	t.Parallel()
	h := database(t)
	s := serveTest(t, h.AppURL, 1)
	logs, one := s.logs(t), int64(1)
	s.signed(t, logs, 0)
	for name, c := range map[string]struct {
		call   func() error
		reason string
	}{
		"tile beyond":      {func() error { _, err := logs.GetTile(limit(t), &auditv1.GetTileRequest{Width: 1}); return err }, "TILE_NOT_FOUND"},
		"tile without end": {func() error { _, err := logs.GetTile(limit(t), &auditv1.GetTileRequest{Width: 257}); return err }, "INVALID_ARGUMENT"},
		"leaf beyond": {func() error {
			_, err := logs.GetInclusionProof(limit(t), &auditv1.GetInclusionProofRequest{LeafIndex: 3, TreeSize: 9})
			return err
		}, "INVALID_ARGUMENT"},
		"size beyond": {func() error {
			_, err := logs.GetConsistencyProof(limit(t), &auditv1.GetConsistencyProofRequest{First: 1, Second: 9})
			return err
		}, "INVALID_ARGUMENT"},
		"size without checkpoint": {func() error {
			_, err := logs.GetCheckpoint(limit(t), &auditv1.GetCheckpointRequest{TreeSize: &one})
			return err
		}, "CHECKPOINT_NOT_FOUND"},
		"nothing witnessed": {func() error {
			_, err := logs.GetCheckpoint(limit(t), &auditv1.GetCheckpointRequest{Witnessed: true})
			return err
		}, "CHECKPOINT_NOT_FOUND"},
		"both": {func() error {
			_, err := logs.GetCheckpoint(limit(t), &auditv1.GetCheckpointRequest{TreeSize: &one, Witnessed: true})
			return err
		}, "INVALID_ARGUMENT"},
	} {
		if got := fault.ReasonOf(c.call()); got != c.reason {
			t.Errorf("%s: %q, want %s", name, got, c.reason)
		}
	}
	_, err := auditv1.NewLogServiceClient(s.dial(t, recordSvc)).GetReceipt(limit(t), &auditv1.GetReceiptRequest{EventId: newEvent().GetId()})
	if err == nil || fault.ReasonOf(err) == "EVENT_NOT_FOUND" {
		t.Errorf("record-svc may ask for receipts: %v", err)
	}
}
