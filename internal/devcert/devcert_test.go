package devcert_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
)

func TestEnsureKeepsWhatIsGood(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	ensure(t, devcert.Authority{Dir: dir}, "gateway")
	ca, gateway := read(t, devcert.CAFile(dir)), read(t, devcert.CertFile(dir, "gateway"))
	ensure(t, devcert.Authority{Dir: dir}, "gateway", "record-svc")
	if read(t, devcert.CAFile(dir)) != ca || read(t, devcert.CertFile(dir, "gateway")) != gateway {
		t.Error("good certificates were replaced")
	}
	leaf := load(t, dir, "record-svc")
	if got := leaf.URIs[0].String(); got != "spiffe://dorsetcarerecord/record-svc" {
		t.Errorf("SPIFFE id %q", got)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "record-svc"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
}

func TestEnsureRenews(t *testing.T) {
	dir := t.TempDir()
	ensure(t, devcert.Authority{Dir: dir}, "gateway")
	first := load(t, dir, "gateway")
	for _, c := range []struct {
		name string
		in   time.Duration
		same bool
	}{
		{"next day", 24 * time.Hour, true},
		{"last third", 21 * 24 * time.Hour, false},
		{"after the authority's end", 400 * 24 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			later := func() time.Time { return time.Now().Add(c.in) }
			ensure(t, devcert.Authority{Dir: dir, Now: later}, "gateway")
			leaf := load(t, dir, "gateway")
			if leaf.Equal(first) != c.same {
				t.Errorf("kept: %v, want %v", leaf.Equal(first), c.same)
			}
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool(t, dir), CurrentTime: later()}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	a := devcert.Authority{Dir: dir}
	ensure(t, a, "gateway")
	if err := a.EnsurePublic("record.example"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 6 {
		t.Errorf("%d files, want 6", len(entries))
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestPublicCertificate(t *testing.T) {
	dir := t.TempDir()
	a := devcert.Authority{Dir: dir}
	if err := a.EnsurePublic("record.example"); err != nil {
		t.Fatal(err)
	}
	if leaf := load(t, dir, devcert.PublicName); len(leaf.URIs) != 0 {
		t.Error("the public certificate has a SPIFFE id")
	}
	pair, err := tls.LoadX509KeyPair(devcert.CertFile(dir, devcert.PublicName), devcert.KeyFile(dir, devcert.PublicName))
	if err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	done := make(chan error, 1)
	go func() {
		done <- tls.Server(server, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
	}()
	conf := &tls.Config{RootCAs: pool(t, dir), ServerName: "record.example"}
	if err := tls.Client(client, conf).Handshake(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestNamesStayInTheFolder(t *testing.T) {
	for _, name := range []string{"", "ca", "../x", "a/b", "Upper", "-x"} {
		if err := devcert.Ensure(t.TempDir(), []string{name}); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}

func ensure(t *testing.T, a devcert.Authority, names ...string) {
	t.Helper()
	if err := a.Ensure(names...); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func load(t *testing.T, dir, name string) *x509.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(devcert.CertFile(dir, name), devcert.KeyFile(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func pool(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM([]byte(read(t, devcert.CAFile(dir)))) {
		t.Fatal("no authority")
	}
	return p
}
