package edge

import (
	"crypto/tls"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
)

// TestCertificateRotates: new files come into use without a restart, and bad ones do not.
func TestCertificateRotates(t *testing.T) {
	dir := t.TempDir()
	authority := devcert.Authority{Dir: dir}
	if err := authority.EnsurePublic("example.org"); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	certFile, keyFile := devcert.CertFile(dir, devcert.PublicName), devcert.KeyFile(dir, devcert.PublicName)
	c, err := LoadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		got, err := c.Config("h2").GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.String()
	}
	first := shown()
	if err := authority.WriteLeaf(devcert.Leaf{Name: devcert.PublicName, Hosts: []string{"example.org"}, Public: true}); err != nil {
		t.Fatal(err)
	}
	if shown() != first {
		t.Error("the files are looked at for every handshake")
	}
	now = now.Add(reloadAfter)
	second := shown()
	if second == first {
		t.Error("the new certificate is not in use")
	}
	if err := os.WriteFile(certFile, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(reloadAfter)
	if shown() != second {
		t.Error("files that cannot be used ended the old certificate")
	}
	if _, err := LoadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), time.Now); err == nil {
		t.Error("files that cannot be used are no hindrance at start")
	}
}
