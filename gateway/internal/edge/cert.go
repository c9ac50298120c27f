package edge

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// reloadAfter is how old the last look at the files may be at a handshake.
const reloadAfter = 10 * time.Second

// Certificate is what the gateway shows the world, read again when its files
// change, so that it rotates without a restart. New files that cannot be used
// leave the old certificate in force.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu       sync.Mutex
	current  *tls.Certificate
	lastRead [2][]byte
	lookedAt time.Time
}

// LoadCertificate reads the PEM files. It fails when one is missing, when they
// do not belong together, or when the certificate is not valid now.
func LoadCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*Certificate, error) {
	if certFile == "" || keyFile == "" {
		return nil, errors.New("load public certificate: DCR_PUBLIC_TLS_CERT and DCR_PUBLIC_TLS_KEY are both needed")
	}
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log, now: now, lookedAt: now()}
	if err := c.look(); err != nil {
		return nil, fmt.Errorf("load public certificate: %w", err)
	}
	return c, nil
}

// Config is for one listener, with the protocols that it speaks.
func (c *Certificate) Config(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.fresh(), nil
		},
	}
}

func (c *Certificate) fresh() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.lookedAt) >= reloadAfter {
		c.lookedAt = now
		if err := c.look(); err != nil {
			c.log.Error("new public TLS files cannot be used; the old certificate stays", "error", err.Error())
		}
	}
	return c.current
}

// look reads the files and takes them when they changed and are good.
func (c *Certificate) look() error {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return fmt.Errorf("DCR_PUBLIC_TLS_CERT: %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return fmt.Errorf("DCR_PUBLIC_TLS_KEY: %w", err)
	}
	if bytes.Equal(cert, c.lastRead[0]) && bytes.Equal(key, c.lastRead[1]) {
		return nil
	}
	c.lastRead = [2][]byte{cert, key}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("DCR_PUBLIC_TLS_CERT and DCR_PUBLIC_TLS_KEY: %w", err)
	}
	if now := c.now(); now.Before(pair.Leaf.NotBefore) || now.After(pair.Leaf.NotAfter) {
		return errors.New("DCR_PUBLIC_TLS_CERT is not valid now")
	}
	c.current = &pair
	return nil
}
