package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

const origin = "tessera.example/log"

func TestMain(m *testing.M) {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// tesseraLog is a log that Tessera writes into a folder, and that a file server serves.
type tesseraLog struct {
	dir    string
	public string
	url    *url.URL
	append *tessera.Appender
	await  *tessera.PublicationAwaiter
}

// newKeys are those of a log.
func newKeys(t *testing.T) (private, public string) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// newLog starts a log; witnesses may be none.
func newLog(t *testing.T, private, public string, witnesses ...tessera.Witness) *tesseraLog {
	t.Helper()
	l := &tesseraLog{dir: t.TempDir(), public: public}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(l.dir)))
	t.Cleanup(server.Close)
	if l.url, err = url.Parse(server.URL); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	driver, err := posix.New(ctx, posix.Config{Path: l.dir})
	if err != nil {
		t.Fatal(err)
	}
	opts := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(256, 50*time.Millisecond).WithCheckpointInterval(200 * time.Millisecond)
	if len(witnesses) == 1 {
		opts = opts.WithWitnesses(tessera.NewWitnessGroup(1, witnesses[0]), nil)
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = shutdown(context.WithoutCancel(ctx))
		stop()
	})
	l.append, l.await = appender, tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 50*time.Millisecond)
	return l
}

// add appends n entries and waits until they are in a published checkpoint.
func (l *tesseraLog) add(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	futures := make([]tessera.IndexFuture, n)
	for i := range futures {
		futures[i] = l.append.Add(ctx, tessera.NewEntry(fmt.Appendf(nil, "entry %d %s", i, rand.Text())))
	}
	for _, f := range futures {
		if _, _, err := l.await.Await(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
}

func (l *tesseraLog) config() Config {
	return Config{URL: l.url, HTTP: http.DefaultClient, Key: l.public}
}

// TestOracle: the oracle knows a good log, and a log in which one bit of a tile is wrong.
func TestOracle(t *testing.T) {
	private, public := newKeys(t)
	l := newLog(t, private, public)
	l.add(t, 600)
	r, err := Check(t.Context(), l.config())
	if err != nil || r.Size != 600 || r.Inclusions < proofs || r.Consistent < proofs {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := Check(t.Context(), Config{URL: l.url, HTTP: http.DefaultClient, Key: l.public, WitnessKey: "x"}); err == nil {
		t.Error("a key that is none was taken")
	}
	tile := filepath.Join(l.dir, "tile", "0", "001")
	data, err := os.ReadFile(tile)
	if err != nil {
		t.Fatal(err)
	}
	data[77] ^= 1
	if err := os.WriteFile(tile, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := Check(t.Context(), l.config()); err == nil {
		t.Errorf("a wrong tile was not found: %s", r)
	}
}

// dcrctl is our own program, as an auditor has it.
type dcrctl string

func build(t *testing.T) dcrctl {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dcrctl")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir, cmd.Env = filepath.Join("..", "..", "dcrctl"), append(os.Environ(), "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build dcrctl: %v\n%s", err, text)
	}
	return dcrctl(path)
}

func (d dcrctl) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	text, err := exec.Command(string(d), args...).CombinedOutput()
	return string(text), err
}

// TestOurVerifierReadsTheirLog: dcrctl checks a log that Tessera wrote, remembers it, and finds it grown.
func TestOurVerifierReadsTheirLog(t *testing.T) {
	d := build(t)
	private, public := newKeys(t)
	l := newLog(t, private, public)
	seen := filepath.Join(t.TempDir(), "seen")
	args := []string{"audit", "verify", "--key", l.public, "--url", l.url.String(), "--remember", seen, "--whole"}
	l.add(t, 300)
	if text, err := d.run(t, args...); err != nil || !strings.Contains(text, "Its tiles are the tree that it signed.") {
		t.Fatalf("%v\n%s", err, text)
	}
	l.add(t, 300)
	if text, err := d.run(t, args...); err != nil || !strings.Contains(text, "It only grew: 300 leaves") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestOurWitnessCosignsTheirLog: Tessera publishes nothing without our witness's cosignature, which it checks
// itself; so what it publishes shows that both speak the same C2SP tlog-witness.
func TestOurWitnessCosignsTheirLog(t *testing.T) {
	d, dir := build(t), t.TempDir()
	private, public := newKeys(t)
	key, logKey, address := filepath.Join(dir, "witness.key"), filepath.Join(dir, "log.pub"), freeAddress(t)
	witnessKey, err := d.run(t, "audit", "key", "witness", "witness.example", "--out", key)
	if err != nil {
		t.Fatal(witnessKey)
	}
	witnessKey = strings.TrimSpace(witnessKey)
	if err := os.WriteFile(logKey, []byte(public), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"audit", "witness", "--log-key-file", logKey, "--key-file", key, "--state", filepath.Join(dir, "state.json")}
	if text, err := d.run(t, append(args, "--init")...); err != nil {
		t.Fatal(text)
	}
	serve(t, exec.Command(string(d), append(args, "--listen", address)...), "http://"+address+"/status")
	witness, err := tessera.NewWitness(witnessKey, &url.URL{Scheme: "http", Host: address})
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t, private, public, witness)
	l.add(t, 20)
	l.add(t, 20)
	cfg := l.config()
	cfg.WitnessKey = witnessKey
	if r, err := Check(t.Context(), cfg); err != nil || !r.Cosigned || r.Size < 40 {
		t.Errorf("%+v, %v", r, err)
	}
}

// serve runs a server until the test ends, and waits until it answers.
func serve(t *testing.T, cmd *exec.Cmd, ready string) {
	t.Helper()
	var diary bytes.Buffer
	cmd.Stdout, cmd.Stderr = &diary, &diary
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		if t.Failed() {
			t.Logf("witness:\n%s", &diary)
		}
	})
	for {
		resp, err := http.Get(ready)
		if err == nil {
			resp.Body.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("it ended:\n%s", &diary)
		case <-t.Context().Done():
			t.Fatal("it does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
