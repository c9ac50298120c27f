package mtls_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
)

func TestLoadRefusesHalfConfigurations(t *testing.T) {
	dir := t.TempDir()
	certs(t, dir, "gateway", "record-svc")
	a := devcert.Authority{Dir: dir}
	now := time.Now()
	leaf(t, a, devcert.Leaf{Name: "old", NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(-time.Hour)})
	leaf(t, a, devcert.Leaf{Name: "early", NotBefore: now.Add(time.Hour)})
	leaf(t, a, devcert.Leaf{Name: "nameless", Public: true})
	elsewhere := t.TempDir()
	certs(t, elsewhere, "gateway")
	cases := []struct {
		name string
		edit func(*mtls.Config)
		want string
	}{
		{"no certificate", func(c *mtls.Config) { c.CertFile = "" }, "DCR_TLS_CERT_FILE"},
		{"no key", func(c *mtls.Config) { c.KeyFile = "" }, "DCR_TLS_KEY_FILE"},
		{"no authority", func(c *mtls.Config) { c.CAFile = "" }, "DCR_TLS_CA_FILE"},
		{"absent file", func(c *mtls.Config) { c.KeyFile += ".gone" }, "DCR_TLS_KEY_FILE"},
		{"key of another", func(c *mtls.Config) { c.KeyFile = devcert.KeyFile(dir, "record-svc") }, "DCR_TLS_KEY_FILE"},
		{"authority is a key", func(c *mtls.Config) { c.CAFile = devcert.KeyFile(dir, "ca") }, "DCR_TLS_CA_FILE"},
		{"foreign authority", func(c *mtls.Config) { c.CAFile = devcert.CAFile(elsewhere) }, "not signed by"},
		{"expired", func(c *mtls.Config) { *c = config(dir, "old") }, "expired at"},
		{"not yet valid", func(c *mtls.Config) { *c = config(dir, "early") }, "not valid before"},
		{"no name", func(c *mtls.Config) { *c = config(dir, "nameless") }, "DCR_TLS_CERT_FILE"},
		{"foreign trust domain", func(c *mtls.Config) { c.TrustDomain = "elsewhere" }, "trust domain"},
		{"bad trust domain", func(c *mtls.Config) { c.TrustDomain = "a b" }, "DCR_TLS_TRUST_DOMAIN"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := config(dir, "gateway")
			c.edit(&cfg)
			if _, err := mtls.Load(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	dir, foreign := t.TempDir(), t.TempDir()
	certs(t, dir, "gateway", "record-svc")
	certs(t, foreign, "gateway")
	server, gateway := load(t, config(dir, "record-svc")), load(t, config(dir, "gateway"))
	addr := serve(t, server)
	cases := []struct {
		name   string
		client *tls.Config
		ok     bool
	}{
		{"expected name", gateway.Client("record-svc"), true},
		{"one of several names", gateway.Client("audit-svc", "record-svc"), true},
		{"another name", gateway.Client("audit-svc"), false},
		{"no name expected", gateway.Client(), false},
		{"foreign authority", load(t, config(foreign, "gateway")).Client("record-svc"), false},
		{"no certificate", &tls.Config{InsecureSkipVerify: true}, false},
		{"TLS 1.2", maxVersion(gateway.Client("record-svc"), tls.VersionTLS12), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			name, err := greet(addr, c.client)
			if (err == nil) != c.ok || (c.ok && name != "gateway") {
				t.Errorf("got %q, %v; want success %v", name, err, c.ok)
			}
		})
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	certs(t, dir, "gateway", "record-svc")
	var offset atomic.Int64
	cfg := config(dir, "record-svc")
	cfg.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	server := load(t, cfg)
	addr := serve(t, server)
	client := load(t, config(dir, "gateway")).Client("record-svc")
	serial := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", addr, client)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()

	leaf(t, devcert.Authority{Dir: dir}, devcert.Leaf{Name: "record-svc"})
	if serial() != first {
		t.Error("the files were looked at before their time")
	}
	offset.Add(int64(11 * time.Second))
	second := serial()
	if second == first {
		t.Error("the new certificate is not used")
	}

	if err := os.WriteFile(devcert.CertFile(dir, "record-svc"), []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	offset.Add(int64(11 * time.Second))
	if serial() != second || server.ReloadFailures() != 1 {
		t.Errorf("a broken file: serial kept %v, %d failures", serial() == second, server.ReloadFailures())
	}

	leaf(t, devcert.Authority{Dir: dir}, devcert.Leaf{Name: "record-svc"})
	offset.Add(int64(11 * time.Second))
	if third := serial(); third == second || third == first {
		t.Error("the mended file is not used")
	}
}

func TestPeerNameNeedsACertificate(t *testing.T) {
	dir := t.TempDir()
	certs(t, dir, "gateway")
	if _, err := load(t, config(dir, "gateway")).PeerName(tls.ConnectionState{}); !errors.Is(err, mtls.ErrNoName) {
		t.Errorf("got %v", err)
	}
}

// serve answers every connection with the name that its peer showed.
func serve(t *testing.T, s *mtls.Source) string {
	t.Helper()
	lis, err := tls.Listen("tcp", "127.0.0.1:0", s.Server())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			answer(s, conn)
		}
	}()
	t.Cleanup(func() {
		_ = lis.Close()
		<-done
	})
	return lis.Addr().String()
}

func answer(s *mtls.Source, conn net.Conn) {
	defer conn.Close()
	tc, ok := conn.(*tls.Conn)
	if !ok || tc.Handshake() != nil {
		return
	}
	if name, err := s.PeerName(tc.ConnectionState()); err == nil {
		_, _ = io.WriteString(conn, name)
	}
}

func greet(addr string, conf *tls.Config) (string, error) {
	conn, err := tls.Dial("tcp", addr, conf)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	b, err := io.ReadAll(conn)
	return string(b), err
}

func maxVersion(c *tls.Config, v uint16) *tls.Config {
	c.MinVersion, c.MaxVersion = v, v
	return c
}

func config(dir, name string) mtls.Config {
	return mtls.Config{
		CertFile: devcert.CertFile(dir, name),
		KeyFile:  devcert.KeyFile(dir, name),
		CAFile:   devcert.CAFile(dir),
	}
}

func certs(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := devcert.Ensure(dir, names); err != nil {
		t.Fatal(err)
	}
}

func leaf(t *testing.T, a devcert.Authority, l devcert.Leaf) {
	t.Helper()
	if err := a.WriteLeaf(l); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, cfg mtls.Config) *mtls.Source {
	t.Helper()
	s, err := mtls.Load(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
