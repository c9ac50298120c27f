package live_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/live"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/logtest"
)

func noWait(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// serve serves a log behind something that may spoil the answers.
func serve(t *testing.T, log *logtest.Log, spoil func(next http.Handler) http.Handler) *live.Log {
	t.Helper()
	h := log.Handler(t)
	if spoil != nil {
		h = spoil(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	l, err := live.New(server.URL+"/tlog/", server.Client(), noWait)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(t *testing.T, log *logtest.Log, message []byte) verify.Checkpoint {
	t.Helper()
	s, err := log.Trust(t).Open(message)
	if err != nil {
		t.Fatal(err)
	}
	return s.Checkpoint
}

// TestLiveLog reads an honest log: proofs from its tiles hold, old ones after it grew too, and its whole tree
// is what it signed.
func TestLiveLog(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 700)
	l := serve(t, log, nil)
	message, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := open(t, log, message)
	leaf, err := l.Leaf(t.Context(), before, 699)
	if err != nil || log.Receipt(t, 699).Index != 699 {
		t.Fatalf("leaf: %v", err)
	}
	r := log.Receipt(t, 699)
	if want, _ := verify.LeafHash(r.Nonce, r.Event); want != leaf {
		t.Errorf("leaf %v", leaf)
	}
	log.Grow(t, "more", 9000)
	now := open(t, log, log.Checkpoint(t, log.Size()))
	proof, err := l.Prove(t.Context(), before.Size, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := verify.CheckConsistency(before, now, proof); err != nil {
		t.Error(err)
	}
	var told int64
	if err := l.Whole(t.Context(), now, func(n int64) { told = n }); err != nil || told != now.Size {
		t.Errorf("whole: %v after %d", err, told)
	}
	// Unfinished tiles of the older tree are gone: the finished ones are cut to size.
	if err := l.Whole(t.Context(), before, func(int64) {}); err != nil {
		t.Errorf("whole, as it was: %v", err)
	}
}

// TestWrongTilesAreFound: every kind of tile, changed by one bit.
func TestWrongTilesAreFound(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 66000)
	now := open(t, log, log.Checkpoint(t, log.Size()))
	for _, tile := range []string{"/tile/0/000", "/tile/0/257.p/208", "/tile/1/000", "/tile/1/001.p/1", "/tile/2/000.p/1"} {
		l := serve(t, log, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				next.ServeHTTP(rec, r)
				data := rec.Body.Bytes()
				if strings.HasSuffix(r.URL.Path, tile) {
					data[len(data)-1] ^= 1
				}
				w.WriteHeader(rec.Code)
				_, _ = w.Write(data)
			})
		})
		if err := l.Whole(t.Context(), now, func(int64) {}); !errors.Is(err, live.ErrTiles) {
			t.Errorf("%s: %v, want ErrTiles", tile, err)
		}
	}
	l := serve(t, log.Branch(t, 100), nil)
	if _, err := l.Prove(t.Context(), 50, now); err == nil || errors.Is(err, live.ErrTiles) {
		t.Errorf("tiles that are not there are no wrong tiles: %v", err)
	}
	fork := log.Branch(t, 100)
	fork.Grow(t, "fork", 65900)
	if _, err := serve(t, fork, nil).Prove(t.Context(), 50, now); !errors.Is(err, live.ErrTiles) {
		t.Errorf("tiles of another tree: %v, want ErrTiles", err)
	}
	if _, err := serve(t, fork, nil).Leaf(t.Context(), now, 50); !errors.Is(err, live.ErrTiles) {
		t.Errorf("leaf of another tree: %v, want ErrTiles", err)
	}
}

// TestBusyLog: what may pass is tried again, what will not is told at once.
func TestBusyLog(t *testing.T) {
	t.Parallel()
	log := logtest.New(t, 10)
	for name, tt := range map[string]struct {
		status, times int
		calls         int32
		ok            bool
	}{
		"busy twice":  {http.StatusServiceUnavailable, 2, 3, true},
		"busy always": {http.StatusServiceUnavailable, 99, 4, false},
		"limited":     {http.StatusTooManyRequests, 1, 2, true},
		"forbidden":   {http.StatusForbidden, 1, 1, false},
		"missing":     {http.StatusNotFound, 1, 1, false},
	} {
		var calls atomic.Int32
		l := serve(t, log, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if int(calls.Add(1)) <= tt.times {
					w.WriteHeader(tt.status)
					return
				}
				next.ServeHTTP(w, r)
			})
		})
		if _, err := l.Checkpoint(t.Context()); (err == nil) != tt.ok || calls.Load() != tt.calls {
			t.Errorf("%s: %v after %d calls", name, err, calls.Load())
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	l := serve(t, logtest.New(t, 10), func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100<<10)) })
	})
	if _, err := l.Checkpoint(t.Context()); err == nil {
		t.Error("an endless checkpoint was read")
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "gateway", "ftp://x", "https://x/?q", "https://x/#f", "://"} {
		if _, err := live.New(u, http.DefaultClient, noWait); err == nil {
			t.Errorf("%q: taken", u)
		}
	}
}
