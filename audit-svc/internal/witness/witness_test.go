package witness_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/witness"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const origin = "log.example/audit"

// log is a log in memory, that can grow, fork and lose its end.
type log struct {
	mu     sync.Mutex
	signer note.Signer
	public string
	leaves []tlog.Hash
	lines  []string // cosignatures that were kept, with their sizes
	kept   map[string]store.Cosigned
}

func newLog(t *testing.T) *log {
	t.Helper()
	private, public, err := verify.GenerateLogKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return &log{signer: signer, public: public, kept: map[string]store.Cosigned{}}
}

func (l *log) grow(n int, word string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		l.leaves = append(l.leaves, tlog.RecordHash(fmt.Append(nil, word, len(l.leaves))))
	}
}

func (l *log) cut(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaves = l.leaves[:n]
}

func (l *log) Largest(context.Context) (*store.Checkpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &verify.Builder{}
	for _, leaf := range l.leaves {
		_ = b.Add(leaf)
	}
	text := verify.Checkpoint{Origin: origin, Size: b.Size(), Root: b.Root()}.Text()
	signed, err := note.Sign(&note.Note{Text: text}, l.signer)
	return &store.Checkpoint{Size: b.Size(), Body: text, Signatures: strings.TrimPrefix(string(signed), text+"\n")}, err
}

func (l *log) Cosigned(_ context.Context, w string) (store.Cosigned, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[w], nil
}

func (l *log) AddCosignature(_ context.Context, size int64, w, line string, at, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines, l.kept[w] = append(l.lines, line), store.Cosigned{Size: size, At: at}
	return nil
}

// Consistency proves over what the log has now, as a rewritten log would.
func (l *log) Consistency(_ context.Context, first, second int64) ([]tlog.Hash, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if first == 0 || first == second {
		return nil, nil
	}
	if first > second || second > int64(len(l.leaves)) {
		return nil, errors.New("outside")
	}
	var stored []tlog.Hash
	for i, leaf := range l.leaves {
		made, err := tlog.StoredHashesForRecordHash(int64(i), leaf, tlog.HashReaderFunc(reader(stored)))
		if err != nil {
			return nil, err
		}
		stored = append(stored, made...)
	}
	return tlog.ProveTree(second, first, tlog.HashReaderFunc(reader(stored)))
}

func reader(stored []tlog.Hash) func([]int64) ([]tlog.Hash, error) {
	return func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			found = append(found, stored[i])
		}
		return found, nil
	}
}

// post is a witness: the rules of package verify behind HTTP, or a fixed answer in their place.
type post struct {
	*httptest.Server
	key string

	mu     sync.Mutex
	last   verify.Checkpoint
	answer func(http.ResponseWriter) bool
}

func newPost(t *testing.T, l *log) *post {
	t.Helper()
	private, public, err := verify.GenerateWitnessKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := verify.NewCosigner(private)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := verify.NewTrust([]string{l.public}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &post{key: public}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.answer != nil && p.answer(w) {
			return
		}
		p.serve(w, r, trust, cosigner)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *post) serve(w http.ResponseWriter, r *http.Request, trust *verify.Trust, cosigner *verify.Cosigner) {
	body, _ := io.ReadAll(r.Body)
	s, err := verify.ParseSubmission(body)
	if err != nil || r.URL.Path != "/sub/add-checkpoint" || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	signed, err := trust.Open(s.Checkpoint)
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	ruling, status := verify.Judge(p.last, signed.Checkpoint, s)
	if ruling != verify.Accept {
		w.WriteHeader(status)
		if status == http.StatusConflict {
			_, _ = fmt.Fprintf(w, "%d\n", p.last.Size)
		}
		return
	}
	p.last = signed.Checkpoint
	line, _ := cosigner.Cosign(signed.Text, time.Now())
	_, _ = io.WriteString(w, line)
}

func (p *post) answers(with func(http.ResponseWriter) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = with
}

func (p *post) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = verify.Checkpoint{}
}

// diary is a log that tests read.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.String()
}

// push runs a pusher until the test ends.
func push(t *testing.T, l *log, leads func() bool, posts ...*post) *diary {
	t.Helper()
	d := &diary{}
	cfg := witness.PusherConfig{Config: witness.Config{Every: 5 * time.Millisecond}, Log: l, Prover: l, Keys: []string{l.public},
		Leads: leads, Diary: slog.New(slog.NewTextHandler(d, nil)), Meter: noop.NewMeterProvider().Meter(""), Now: time.Now}
	for _, p := range posts {
		cfg.Witnesses = append(cfg.Witnesses, p.key+"="+p.URL+"/sub/")
	}
	pusher, err := witness.NewPusher(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = pusher.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return d
}

func always() bool { return true }

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// cosigned waits until the witness's cosignature of a size is kept.
func (l *log) cosigned(t *testing.T, p *post, size int64) {
	t.Helper()
	await(t, fmt.Sprintf("cosignature of %d leaves", size), func() bool {
		c, _ := l.Cosigned(t.Context(), signerOf(p.key))
		return !c.At.IsZero() && c.Size == size
	})
}

func signerOf(key string) string { return strings.Join(strings.SplitN(key, "+", 3)[:2], "+") }
