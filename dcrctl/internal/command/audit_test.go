package command

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/logtest"
)

// newLog is a log of real events.
func newLog(t *testing.T, n int) *logtest.Log {
	t.Helper()
	log := logtest.New(t, 0)
	for range n {
		event, err := proto.Marshal(&auditv1.Event{Id: "0193c9a2-7b1e-7d3a-9f00-000000000000", Action: "record.view", NhsNumber: nhsNumber})
		if err != nil {
			t.Fatal(err)
		}
		log.Add(t, event)
	}
	return log
}

func TestVerifyReceipt(t *testing.T) {
	log := newLog(t, 9)
	r := log.Receipt(t, 4)
	good := file(t, "receipt", string(r.Format()))
	args := func(more ...string) []string {
		return append([]string{"audit", "verify", "--key", log.Public}, more...)
	}
	code, out := dcrctl(t, t.Context(), args(good)...)
	for _, want := range []string{"True: event 0193c9a2-7b1e-7d3a-9f00-000000000000 (record.view) is leaf 4", "9 leaves", "no witness that you named"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%d, want %q in\n%s", code, want, out)
		}
	}
	r.Event = bytes.Replace(r.Event, []byte("record.view"), []byte("record.vieW"), 1)
	_, witness, err := verify.GenerateWitnessKey(zero{}, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	for want, given := range map[string][]string{
		"NOT TRUE: the proof does not show": args(file(t, "changed", string(r.Format()))),
		"NOT TRUE: this is no receipt":      args(file(t, "nonsense", "hello")),
		"NOT TRUE: too few witnesses":       args(good, "--witness-key", witness),
		"NOT TRUE: the checkpoint is not":   {"audit", "verify", "--key", logtest.New(t, 1).Public, good},
	} {
		if code, out := dcrctl(t, t.Context(), given...); code != exitRefused || !strings.Contains(out, want) {
			t.Errorf("%d, want %q in\n%s", code, want, out)
		}
	}
	// The event itself is printed only when somebody asks for it.
	var stdout, stderr bytes.Buffer
	if run(t.Context(), args(good, "--show"), streams{&stdout, &stderr}); !strings.Contains(stdout.String(), nhsNumber) {
		t.Errorf("--show:\n%s%s", &stdout, &stderr)
	}
}

func TestVerifyExport(t *testing.T) {
	log := newLog(t, 300)
	dir, keys := log.Export(t), file(t, "log.pub", "# the log's key\n"+log.Public+"\n")
	if code, out := dcrctl(t, t.Context(), "audit", "verify", "--key-file", keys, dir); code != exitOK || !strings.Contains(out, "True: 300 events, the whole log") {
		t.Errorf("%d\n%s", code, out)
	}
	path := filepath.Join(dir, "events", "all.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	lines[17], lines[18] = lines[18], lines[17]
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := dcrctl(t, t.Context(), "audit", "verify", "--key-file", keys, dir); code != exitRefused || !strings.Contains(out, "line 19: index 17 follows 18") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestVerifyLiveLog(t *testing.T) {
	log := newLog(t, 300)
	served := log
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	seen := filepath.Join(t.TempDir(), "seen")
	look := func(more ...string) (int, string) {
		t.Helper()
		server.Config.Handler = served.Handler(t)
		return dcrctl(t, t.Context(), append([]string{"audit", "verify", "--key", log.Public, "--url", server.URL + "/tlog", "--remember", seen}, more...)...)
	}
	if code, out := look("--whole"); code != exitOK || !strings.Contains(out, "compared with nothing") || !strings.Contains(out, "Its tiles are the tree") {
		t.Errorf("first: %d\n%s", code, out)
	}
	log.Grow(t, "more", 500)
	if code, out := look(); code != exitOK || !strings.Contains(out, "It only grew: 300 leaves were seen before, 800 are there now.") {
		t.Errorf("grown: %d\n%s", code, out)
	}
	fork := log.Branch(t, 700)
	fork.Grow(t, "another history", 200)
	smaller := log.Branch(t, 700)
	for name, tt := range map[string]struct {
		log  *logtest.Log
		want string
	}{
		"forked":   {fork, "does not show that the log only grew"},
		"set back": {smaller, "the log is smaller than it was"},
	} {
		served = tt.log
		if code, out := look(); code != exitRefused || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %d\n%s", name, code, out)
		}
	}
	served = log
	if code, out := look(); code != exitOK || !strings.Contains(out, "800 leaves were seen before") {
		t.Errorf("what was refused was remembered: %d\n%s", code, out)
	}
	server.Close()
	if code, _ := look(); code != exitFailure {
		t.Errorf("a log that does not answer: %d", code)
	}
}

func TestWitnessOnce(t *testing.T) {
	log := newLog(t, 30)
	served := log
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	key, keys := filepath.Join(dir, "witness.key"), file(t, "log.pub", log.Public)
	code, public := dcrctl(t, t.Context(), "audit", "key", "witness", "witness.example", "--out", key)
	if code != exitOK {
		t.Fatalf("key: %d\n%s", code, public)
	}
	if code, _ := dcrctl(t, t.Context(), "audit", "key", "witness", "witness.example", "--out", key); code != exitFailure {
		t.Errorf("a key was overwritten: %d", code)
	}
	look := func(more ...string) (int, string) {
		t.Helper()
		server.Config.Handler = served.Handler(t)
		return dcrctl(t, t.Context(), append([]string{"audit", "witness", "--once", "--url", server.URL + "/tlog", "--log-key-file", keys, "--key-file", key,
			"--state", filepath.Join(dir, "state", "witness.json")}, more...)...)
	}
	if code, out := look(); code != exitFailure || !strings.Contains(out, "--init") {
		t.Errorf("without memory: %d\n%s", code, out)
	}
	if code, out := look("--init"); code != exitOK || !strings.Contains(out, "— witness.example ") {
		t.Errorf("first: %d\n%s", code, out)
	}
	if code, out := look("--init"); code != exitFailure || !strings.Contains(out, "leave --init out") {
		t.Errorf("made twice: %d\n%s", code, out)
	}
	log.Grow(t, "more", 300)
	code, out := look()
	if code != exitOK {
		t.Fatalf("grown: %d\n%s", code, out)
	}
	// What is printed is the cosigned checkpoint, up to the first line about it on the other stream.
	cosigned, _, _ := strings.Cut(out, "time=")
	trust, err := verify.NewTrust([]string{log.Public}, []string{strings.TrimSpace(public)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := trust.Open([]byte(cosigned)); err != nil || s.Size != 330 {
		t.Errorf("printed checkpoint: %+v, %v\n%s", s, err, out)
	}
	served = log.Branch(t, 100)
	served.Grow(t, "another history", 400)
	if code, out := look(); code != exitRefused || !strings.Contains(out, "ALARM") {
		t.Errorf("rewritten: %d\n%s", code, out)
	}
	served = logtest.New(t, 400)
	if code, out := look(); code != exitRefused || !strings.Contains(out, "not signed by the log") {
		t.Errorf("another's: %d\n%s", code, out)
	}
}

// TestWitnessServes starts the witness as its operator would, and stops it.
func TestWitnessServes(t *testing.T) {
	log, dir := newLog(t, 3), t.TempDir()
	key := filepath.Join(dir, "witness.key")
	if code, out := dcrctl(t, t.Context(), "audit", "key", "witness", "witness.example", "--out", key); code != exitOK {
		t.Fatal(out)
	}
	ctx, stop := context.WithCancel(t.Context())
	made := []string{"audit", "witness", "--init", "--log-key-file", file(t, "log.pub", log.Public), "--key-file", key, "--state", filepath.Join(dir, "w.json")}
	if code, out := dcrctl(t, ctx, made...); code != exitOK {
		t.Fatal(out)
	}
	args := append([]string{"audit", "witness", "--listen", "127.0.0.1:0"}, made[3:]...)
	ended := make(chan int, 1)
	started := &signalled{seen: make(chan struct{})}
	go func() { ended <- run(ctx, args, streams{started, started}) }()
	select {
	case <-started.seen:
	case code := <-ended:
		t.Fatalf("it ended with %d", code)
	}
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("stopped with %d", code)
	}
}

// signalled tells when something is written.
type signalled struct{ seen chan struct{} }

func (s *signalled) Write(p []byte) (int, error) {
	select {
	case <-s.seen:
	default:
		close(s.seen)
	}
	return len(p), nil
}

func TestAuditCommandLine(t *testing.T) {
	for want, args := range map[string][]string{
		"needed: a receipt or an export":     {"audit", "verify", "--key", "x"},
		"go with --url":                      {"audit", "verify", "--key", "x", "--whole", "receipt"},
		"the log's public key is needed":     {"audit", "verify", t.TempDir()},
		"this is no key":                     {"audit", "verify", "--key", "x", t.TempDir()},
		"needed: --listen, or --once, or":    {"audit", "witness", "--log-key-file", "x", "--key-file", "x", "--state", "x"},
		"--once needs the --url":             {"audit", "witness", "--once", "--log-key-file", "x", "--key-file", "x", "--state", "x"},
		"go with --once":                     {"audit", "witness", "--listen", ":0", "--url", "x", "--log-key-file", "x", "--key-file", "x", "--state", "x"},
		"--tls-cert and --tls-key":           {"audit", "witness", "--listen", ":0", "--tls-key", "x", "--log-key-file", "x", "--key-file", "x", "--state", "x"},
		"read our key":                       {"audit", "witness", "--listen", ":0", "--log-key-file", "x", "--key-file", "/nowhere", "--state", "x"},
		"a name has no spaces":               {"audit", "key", "log", "two words", "--out", filepath.Join(t.TempDir(), "k")},
		"must be one of \"log\",\"witness\"": {"audit", "key", "gateway", "x", "--out", "x"},
	} {
		if code, out := dcrctl(t, t.Context(), args...); code != exitFailure || !strings.Contains(out, want) {
			t.Errorf("%v: %d, want %q in\n%s", args, code, want, out)
		}
	}
}

// zero is no randomness at all.
type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }
