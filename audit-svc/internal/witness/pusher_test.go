package witness_test

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/witness"
)

// TestWitnessesFollow: from the empty log on, and also one that comes later or lost its memory.
func TestWitnessesFollow(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	first, second := newPost(t, l), newPost(t, l)
	push(t, l, always, first)
	l.cosigned(t, first, 0)
	l.grow(3, "a")
	l.cosigned(t, first, 3)
	push(t, l, always, second)
	l.cosigned(t, second, 3)
	first.forget()
	l.grow(300, "a")
	l.cosigned(t, first, 303)
	l.cosigned(t, second, 303)
}

// TestOneIsAway: a witness that hangs or fails keeps none of the others waiting, and follows once it is back.
func TestOneIsAway(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	good, bad := newPost(t, l), newPost(t, l)
	bad.answers(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return true })
	d := push(t, l, always, good, bad)
	for size := int64(1); size < 20; size += 3 {
		l.grow(3, "a")
		l.cosigned(t, good, int64(len(l.leaves)))
	}
	if !strings.Contains(d.String(), "could not be witnessed") || strings.Contains(d.String(), "level=ERROR") {
		t.Errorf("the log says:\n%s", d)
	}
	bad.answers(nil)
	l.cosigned(t, bad, int64(len(l.leaves)))
}

// TestRefusalsAreLoud: what a witness refuses is an error in the log, and nothing is kept.
func TestRefusalsAreLoud(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*log){
		"fork":      func(l *log) { l.cut(4); l.grow(1, "b") },
		"rewritten": func(l *log) { l.cut(2); l.grow(9, "b") },
		"rollback":  func(l *log) { l.cut(4) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t)
			p := newPost(t, l)
			l.grow(5, "a")
			running, idle := atomic.Bool{}, atomic.Int64{}
			running.Store(true)
			d := push(t, l, func() bool {
				if running.Load() {
					return true
				}
				idle.Add(1)
				return false
			}, p)
			l.cosigned(t, p, 5)
			running.Store(false)
			await(t, "a pause", func() bool { return idle.Load() > 1 })
			before := len(l.lines)
			// Whoever rewrites a log makes it forget what the witness said of it, too.
			l.mu.Lock()
			clear(l.kept)
			l.mu.Unlock()
			spoil(l)
			running.Store(true)
			await(t, "the alarm", func() bool { return strings.Contains(d.String(), "a witness refuses the log's checkpoint") })
			if len(l.lines) != before {
				t.Error("a cosignature of it was kept")
			}
		})
	}
}

// TestFalseAnswers: what is no cosignature of this witness under this checkpoint is not kept.
func TestFalseAnswers(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	other := newPost(t, newLog(t))
	for name, answer := range map[string]string{
		"nothing":           "",
		"text":              "hello\n",
		"of another key":    "— " + strings.SplitN(other.key, "+", 2)[0] + " AAAAAAAAAAAAAAAAAAAA\n",
		"without end":       strings.Repeat("x", 1<<20),
		"a whole note":      "origin\n1\n\n— a b\n",
		"negative conflict": "-1\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t, l)
			asked := atomic.Int64{}
			p.answers(func(w http.ResponseWriter) bool {
				asked.Add(1)
				if strings.HasPrefix(answer, "-") {
					w.WriteHeader(http.StatusConflict)
				}
				_, _ = io.WriteString(w, answer)
				return true
			})
			push(t, l, always, p)
			await(t, "a second attempt", func() bool { return asked.Load() > 1 })
			if c, _ := l.Cosigned(t.Context(), signerOf(p.key)); !c.At.IsZero() {
				t.Error("it was kept")
			}
		})
	}
}

// TestOnlyTheLeaderSends, so that each checkpoint is sent once.
func TestOnlyTheLeaderSends(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	p := newPost(t, l)
	leads := atomic.Bool{}
	push(t, l, leads.Load, p)
	asked := atomic.Int64{}
	p.answers(func(http.ResponseWriter) bool { asked.Add(1); return false })
	time.Sleep(50 * time.Millisecond)
	if asked.Load() != 0 {
		t.Error("a replica that does not lead sends")
	}
	leads.Store(true)
	l.cosigned(t, p, 0)
}

// TestSettings: what is wrong stops the process.
func TestSettings(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	key := newPost(t, l).key
	notPEM := filepath.Join(t.TempDir(), "ca")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg  witness.Config
		want string
	}{
		"none":          {witness.Config{}, ""},
		"one":           {witness.Config{Witnesses: []string{key + "=https://witness.example/a"}}, ""},
		"no URL":        {witness.Config{Witnesses: []string{key}}, "witness 1"},
		"no host":       {witness.Config{Witnesses: []string{key + "=https://"}}, "witness 1"},
		"a file":        {witness.Config{Witnesses: []string{key + "=file:///etc/passwd"}}, "witness 1"},
		"a password":    {witness.Config{Witnesses: []string{key + "=https://a:b@c.example"}}, "witness 1"},
		"twice":         {witness.Config{Witnesses: []string{key + "=http://a.example", key + "=http://b.example"}}, "twice"},
		"the log's key": {witness.Config{Witnesses: []string{l.public + "=https://a.example"}}, "no key of a witness"},
		"half a key":    {witness.Config{Witnesses: []string{key[:30] + "=https://a.example"}}, "witness 1"},
		"CA missing":    {witness.Config{CAFile: "/none"}, "DCR_AUDIT_WITNESS_CA_FILE"},
		"CA empty":      {witness.Config{CAFile: notPEM}, "DCR_AUDIT_WITNESS_CA_FILE"},
	} {
		_, err := witness.NewPusher(witness.PusherConfig{Config: c.cfg, Log: l, Prover: l, Keys: []string{l.public}, Leads: always,
			Diary: slog.New(slog.DiscardHandler), Meter: noop.NewMeterProvider().Meter(""), Now: time.Now})
		if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
