package crashtest_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// witness is the memory outside: it cosigns what only grew, and notes what it refused.
type witness struct {
	*httptest.Server
	key string

	mu       sync.Mutex
	last     verify.Checkpoint
	message  []byte // the newest that it cosigned
	alarming []verify.Ruling
}

func newWitness(t *testing.T, logKey string) *witness {
	t.Helper()
	private, public, err := verify.GenerateWitnessKey(rand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := verify.NewCosigner(private)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := verify.NewTrust([]string{logKey}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{key: public}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s, err := verify.ParseSubmission(body)
		if err != nil {
			rw.WriteHeader(http.StatusBadRequest)
			return
		}
		signed, err := trust.Open(s.Checkpoint)
		if err != nil {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		w.judge(rw, s, signed, cosigner)
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *witness) judge(rw http.ResponseWriter, s verify.Submission, signed *verify.Signed, cosigner *verify.Cosigner) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ruling, status := verify.Judge(w.last, signed.Checkpoint, s)
	if ruling != verify.Accept {
		// A process that slept with a checkpoint in its hands sends it late: for a witness that is a rollback
		// which does not stay (verify.Rollback). That the log stands where the witness does is asked at the end.
		if ruling.Alarming() && ruling != verify.Rollback {
			w.alarming = append(w.alarming, ruling)
		}
		rw.WriteHeader(status)
		if status == http.StatusConflict {
			_, _ = fmt.Fprintf(rw, "%d\n", w.last.Size)
		}
		return
	}
	w.last, w.message = signed.Checkpoint, s.Checkpoint
	line, _ := cosigner.Cosign(signed.Text, time.Now())
	_, _ = io.WriteString(rw, line)
}

// size of the newest checkpoint that it cosigned.
func (w *witness) size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.Size
}

func (w *witness) remembered() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.message
}

// refused is what made it suspicious.
func (w *witness) refused() []verify.Ruling {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.alarming
}
