package witness_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/logtest"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/witness"
)

const (
	// stateVariable tells a copy of this test that it is the witness to be killed.
	stateVariable = "DCR_TEST_WITNESS_STATE"
	kills         = 8
	pushes        = 400
)

// TestKilledWitness kills the witness (SIGKILL) while it cosigns. What it said is what it remembers: started
// again, it never knows less than it had cosigned, so that it cannot be led back.
func TestKilledWitness(t *testing.T) {
	if os.Getenv(stateVariable) != "" {
		cosignUntilKilled(t)
		return
	}
	t.Parallel()
	state := filepath.Join(t.TempDir(), "witness.json")
	book, err := witness.NewBook(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	said := int64(0)
	for range kills {
		said = max(said, runAndKill(t, state))
		book, err := witness.OpenBook(state)
		if err != nil {
			t.Fatalf("after a kill: %v", err)
		}
		last, err := book.Entry(logtest.Origin).Last()
		if err != nil || last.Size < said {
			t.Fatalf("it had cosigned %d leaves, and remembers %d (%v)", said, last.Size, err)
		}
		if err := book.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if said == 0 {
		t.Error("no kill came while it cosigned")
	}
}

// runAndKill runs the witness as a process, kills it, and gives the largest size that it said to have cosigned.
func runAndKill(t *testing.T, state string) int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWitness$")
	cmd.Env = append(os.Environ(), stateVariable+"="+state)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said int64
	lines := bufio.NewScanner(out)
	after := rand.IntN(40) + 1 // kill after so many cosignatures, somewhere inside the next
	for n := 0; lines.Scan(); {
		var size int64
		if _, err := fmt.Sscanf(lines.Text(), "cosigned %d", &size); err != nil {
			continue
		}
		said = max(said, size)
		if n++; n == after {
			time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait()
	return said
}

// cosignUntilKilled is the witness: it gets one checkpoint after the other.
func cosignUntilKilled(t *testing.T) {
	book, err := witness.OpenBook(os.Getenv(stateVariable))
	if err != nil {
		t.Fatal(err)
	}
	log := logtest.New(t, 0)
	last, err := book.Entry(logtest.Origin).Last()
	if err != nil {
		t.Fatal(err)
	}
	for i := range last.Size {
		log.Add(t, fmt.Appendf(nil, "event %d", i))
	}
	b := &bench{state: os.Getenv(stateVariable), cosigner: newCosigner(t), diary: &bytes.Buffer{}}
	b.Witness, err = witness.New(witness.Config{Logs: []*verify.Trust{log.Trust(t)}, Cosigner: b.cosigner, Book: book, EvidenceDir: b.state + ".evidence",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: witness.NewMetrics(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for range pushes {
		old := log.Size()
		log.Add(t, fmt.Appendf(nil, "event %d", old))
		if a := b.Add(t.Context(), submission(t, log, old, old+1)); a.Ruling != verify.Accept {
			t.Fatalf("%d: %s", a.Status, a.Body)
		}
		fmt.Printf("cosigned %d\n", old+1)
	}
}
