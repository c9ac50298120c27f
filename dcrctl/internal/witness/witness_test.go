package witness_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/logtest"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/witness"
)

// now of every test.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// bench is a witness, its voice and its memory.
type bench struct {
	*witness.Witness
	state    string
	cosigner *verify.Cosigner
	diary    *bytes.Buffer
}

func newCosigner(t *testing.T) *verify.Cosigner {
	t.Helper()
	private, _, err := verify.GenerateWitnessKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	c, err := verify.NewCosigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start makes a witness with a new memory.
func start(t *testing.T, log *logtest.Log) *bench {
	t.Helper()
	b := &bench{state: filepath.Join(t.TempDir(), "witness.json"), cosigner: newCosigner(t), diary: &bytes.Buffer{}}
	book, err := witness.NewBook(b.state)
	if err != nil {
		t.Fatal(err)
	}
	b.open(t, log, book)
	return b
}

func (b *bench) open(t *testing.T, log *logtest.Log, book *witness.Book) {
	t.Helper()
	var err error
	b.Witness, err = witness.New(witness.Config{Logs: []*verify.Trust{log.Trust(t)}, Cosigner: b.cosigner, Book: book, EvidenceDir: b.state + ".evidence",
		Log: slog.New(slog.NewTextHandler(b.diary, nil)), Metrics: witness.NewMetrics(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
}

// restart ends the witness, and starts it again on what it remembers.
func (b *bench) restart(t *testing.T, log *logtest.Log) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	book, err := witness.OpenBook(b.state)
	if err != nil {
		t.Fatal(err)
	}
	b.open(t, log, book)
}

func submission(t *testing.T, log *logtest.Log, old, size int64) []byte {
	t.Helper()
	return verify.Submission{Old: old, Proof: log.Consistency(t, old, size), Checkpoint: log.Checkpoint(t, size)}.Format()
}

// post sends a submission through the door.
func (b *bench) post(t *testing.T, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	b.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add-checkpoint", bytes.NewReader(body)))
	return rec
}

func (b *bench) get(t *testing.T, path string) string {
	t.Helper()
	rec := httptest.NewRecorder()
	b.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("%s: %d", path, rec.Code)
	}
	return rec.Body.String()
}

// TestCosignature: the answer is a signature over the checkpoint that anybody who knows the witness can check.
func TestCosignature(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 30)
	b := start(t, log)
	rec := b.post(t, submission(t, log, 0, 20))
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	trust, err := verify.NewTrust([]string{log.Public}, []string{b.cosigner.PublicKey()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := trust.Open(append(log.Checkpoint(t, 20), rec.Body.Bytes()...))
	if err != nil || !s.Cosignatures[0].At.Equal(now) {
		t.Errorf("cosigned checkpoint: %+v, %v", s, err)
	}
	if status := b.get(t, "/status"); !strings.HasPrefix(status, "OK") || !strings.Contains(status, rec.Body.String()) {
		t.Errorf("status:\n%s", status)
	}
}

// TestAnswers are those of C2SP tlog-witness.
func TestAnswers(t *testing.T) {
	t.Parallel()
	log, stranger := logtest.New(t, 30), logtest.New(t, 30)
	b := start(t, log)
	if rec := b.post(t, submission(t, log, 0, 20)); rec.Code != http.StatusOK {
		t.Fatalf("first: %d", rec.Code)
	}
	fork := log.Branch(t, 10)
	fork.Grow(t, "another history", 20)
	unknown := bytes.Replace(submission(t, log, 20, 30), []byte(logtest.Origin+"\n"), []byte("elsewhere.example\n"), 1)
	for name, tt := range map[string]struct {
		body   []byte
		status int
		answer string
		kind   string
	}{
		"does not know us":    {submission(t, log, 0, 30), 409, "20\n", "text/x.tlog.size"},
		"knows an older one":  {submission(t, log, 10, 30), 409, "20\n", "text/x.tlog.size"},
		"set back":            {submission(t, log, 10, 12), 409, "20\n", "text/x.tlog.size"},
		"forked":              {submission(t, fork, 20, 20), 409, "20\n", "text/x.tlog.size"},
		"rewritten":           {submission(t, fork, 20, 30), 422, "refused: inconsistent\n", "text/plain; charset=utf-8"},
		"another's signature": {submission(t, stranger, 20, 30), 403, "the checkpoint is not signed by the log\n", "text/plain; charset=utf-8"},
		"another log":         {unknown, 404, "this witness does not watch this log\n", "text/plain; charset=utf-8"},
		"nonsense":            {[]byte("hello"), 400, "this is no submission to a witness\n", "text/plain; charset=utf-8"},
		"old is too large":    {verify.Submission{Old: 31, Checkpoint: log.Checkpoint(t, 30)}.Format(), 400, "refused: malformed\n", "text/plain; charset=utf-8"},
		"endless":             {bytes.Repeat([]byte("x"), verify.MaxSubmission+1), 413, "the submission cannot be read\n", "text/plain; charset=utf-8"},
	} {
		rec := b.post(t, tt.body)
		if rec.Code != tt.status || rec.Body.String() != tt.answer || rec.Header().Get("Content-Type") != tt.kind {
			t.Errorf("%s: %d %q %s, want %d %q", name, rec.Code, rec.Body, rec.Header().Get("Content-Type"), tt.status, tt.answer)
		}
	}
	if last, ok := b.Last(logtest.Origin); !ok || last.Size != 20 {
		t.Errorf("after refusals it remembers %+v", last)
	}
	if rec := b.post(t, submission(t, log, 20, 30)); rec.Code != http.StatusOK {
		t.Errorf("the honest log is refused after a fork: %d", rec.Code)
	}
}

// TestForkIsLoud: log line, metric, status and evidence, and none of them is forgotten.
func TestForkIsLoud(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 20)
	b := start(t, log)
	fork := log.Branch(t, 5)
	fork.Grow(t, "another history", 15)
	b.post(t, submission(t, log, 0, 20))
	b.post(t, submission(t, fork, 0, 20))
	if !strings.Contains(b.diary.String(), "ALARM") {
		t.Errorf("log:\n%s", b.diary)
	}
	b.post(t, submission(t, log, 20, 20)) // the honest branch goes on, and changes nothing about the fork
	b.restart(t, log)
	if status := b.get(t, "/status"); !strings.HasPrefix(status, "ALARM") || !strings.Contains(status, "FORK") {
		t.Errorf("status:\n%s", status)
	}
	metrics := b.get(t, "/metrics")
	for _, want := range []string{`dcr_witness_fork{log="audit.example/log"} 1`, `dcr_witness_refused{log="audit.example/log"} 0`, `dcr_witness_tree_size{log="audit.example/log"} 20`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	files, err := filepath.Glob(b.state + ".evidence/fork-20-*.txt")
	if err != nil || len(files) != 1 {
		t.Fatalf("evidence %v, %v", files, err)
	}
	convinces(t, log, files[0])
}

// convinces checks evidence as a stranger would: two checkpoints, both signed by the log, that contradict
// each other.
func convinces(t *testing.T, log *logtest.Log, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, notes, _ := strings.Cut(string(text), "\n\n")
	first, second, ok := strings.Cut(notes, "\n---\n\n")
	if !ok {
		t.Fatalf("evidence:\n%s", text)
	}
	a, errA := log.Trust(t).Open([]byte(first))
	z, errZ := log.Trust(t).Open([]byte(second))
	if errA != nil || errZ != nil {
		t.Fatalf("evidence: %v, %v\n%s", errA, errZ, text)
	}
	if err := verify.CheckConsistency(a.Checkpoint, z.Checkpoint, nil); !errors.Is(err, verify.ErrFork) {
		t.Errorf("evidence proves %v", err)
	}
}

// TestRollbackIsLoudUntilItIsOver.
func TestRollbackIsLoudUntilItIsOver(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 30)
	b := start(t, log)
	b.post(t, submission(t, log, 0, 20))
	b.post(t, submission(t, log, 10, 10))
	b.post(t, submission(t, log, 10, 10))
	if status := b.get(t, "/status"); !strings.HasPrefix(status, "ALARM") || !strings.Contains(status, "rollback, 10 leaves") {
		t.Errorf("status:\n%s", status)
	}
	b.post(t, submission(t, log, 20, 30))
	if status := b.get(t, "/status"); !strings.HasPrefix(status, "OK") {
		t.Errorf("status after it went on:\n%s", status)
	}
}

// TestMemoryBeforeCosignature: what cannot be remembered is not cosigned.
func TestMemoryBeforeCosignature(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 30)
	b := start(t, log)
	b.post(t, submission(t, log, 0, 20))
	if err := os.RemoveAll(filepath.Dir(b.state)); err != nil {
		t.Fatal(err)
	}
	rec := b.post(t, submission(t, log, 20, 30))
	if rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "—") {
		t.Errorf("%d %q", rec.Code, rec.Body)
	}
	if last, _ := b.Last(logtest.Origin); last.Size != 20 {
		t.Errorf("it believes to have cosigned %d", last.Size)
	}
}

// TestMemory: one process at a time, never made anew, never misread.
func TestMemory(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "witness.json")
	if _, err := witness.OpenBook(state); !errors.Is(err, witness.ErrNoBook) {
		t.Errorf("missing: %v", err)
	}
	book, err := witness.NewBook(state)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func(string) (*witness.Book, error){"open": witness.OpenBook, "new": witness.NewBook} {
		if _, err := open(state); !errors.Is(err, witness.ErrBusy) {
			t.Errorf("%s beside another: %v", name, err)
		}
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := witness.NewBook(state); !errors.Is(err, witness.ErrBookExists) {
		t.Errorf("made twice: %v", err)
	}
	for name, text := range map[string]string{"empty": "", "cut": `{"version":1,"logs":{"a`, "newer": `{"version":2}`,
		"no checkpoint": `{"version":1,"logs":{"a":{"text":"hello"}}}`,
		"another's":     `{"version":1,"logs":{"a":{"text":"b\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"}}}`} {
		if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := witness.OpenBook(state); err == nil {
			t.Errorf("%s memory was believed", name)
		}
	}
}

// TestManyAtOnce: submissions of two histories race, and one history is cosigned.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	trunk := logtest.New(t, 40)
	fork := trunk.Branch(t, 3)
	fork.Grow(t, "another history", 37)
	b := start(t, trunk)
	var bodies [][]byte
	for size := int64(4); size <= 40; size += 4 {
		for _, log := range []*logtest.Log{trunk, fork} {
			for _, old := range []int64{0, size - 4, size} {
				bodies = append(bodies, submission(t, log, old, size))
			}
		}
	}
	cosigned := make([]verify.Checkpoint, len(bodies))
	var all sync.WaitGroup
	for i, body := range bodies {
		all.Go(func() {
			a := b.Add(t.Context(), body)
			if a.Ruling == verify.Accept {
				s, err := trunk.Trust(t).Open([]byte(a.Message))
				if err != nil {
					t.Error(err)
					return
				}
				cosigned[i] = s.Checkpoint
			}
		})
	}
	all.Wait()
	on := func(log *logtest.Log) bool {
		for _, c := range cosigned {
			if c.Size == 0 {
				continue
			}
			if s, err := log.Trust(t).Open(log.Checkpoint(t, c.Size)); err != nil || s.Root != c.Root {
				return false
			}
		}
		return true
	}
	if !on(trunk) && !on(fork) {
		t.Error("checkpoints of two histories were cosigned")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 1)
	book, err := witness.NewBook(filepath.Join(t.TempDir(), "w"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := witness.Config{Logs: []*verify.Trust{log.Trust(t), log.Trust(t)}, Cosigner: newCosigner(t), Book: book, EvidenceDir: "e",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: witness.NewMetrics(), Now: time.Now}
	if _, err := witness.New(cfg); err == nil || !strings.Contains(err.Error(), "named twice") {
		t.Errorf("one log twice: %v", err)
	}
	cfg.Logs = nil
	if _, err := witness.New(cfg); err == nil {
		t.Error("no log: taken")
	}
}
