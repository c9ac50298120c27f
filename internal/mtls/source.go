package mtls

import (
	"fmt"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// Source is the identity in force. The files are looked at when a handshake
// needs them and the last look is older than Config.Reload; so nothing runs in
// the background, and nothing has to be stopped. New files that cannot be used
// leave the old identity in force, are logged once and counted.
type Source struct {
	cfg Config
	td  spiffeid.TrustDomain

	mu       sync.Mutex
	current  identity
	lastRead files
	lookedAt time.Time
	failed   bool
	failures int64

	instrumented sync.Once
}

// Load reads the files. It fails, naming the setting, when one is missing or
// unreadable, when key and certificate do not belong together, when the
// certificate is expired, not yet valid, not signed by the authorities, or
// without a SPIFFE id in the trust domain.
func Load(cfg Config) (*Source, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	td, err := cfg.trustDomain()
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	s := &Source{cfg: cfg, td: td}
	now := cfg.Now()
	read, err := readFiles(cfg)
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	if s.current, err = parse(read, td, now); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	s.lastRead, s.lookedAt = read, now
	return s, nil
}

// Name is the name of this process: the path of its SPIFFE id.
func (s *Source) Name() string { return nameOf(s.identity().svid.ID) }

// NotAfter is when the certificate in force expires.
func (s *Source) NotAfter() time.Time { return s.identity().svid.Certificates[0].NotAfter }

// ReloadFailures counts the looks at changed files that could not be used.
func (s *Source) ReloadFailures() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failures
}

// GetX509SVID gives go-spiffe the certificate for one handshake.
func (s *Source) GetX509SVID() (*x509svid.SVID, error) { return s.identity().svid, nil }

// GetX509BundleForTrustDomain gives go-spiffe the authorities for one
// handshake; there are none for a foreign trust domain.
func (s *Source) GetX509BundleForTrustDomain(td spiffeid.TrustDomain) (*x509bundle.Bundle, error) {
	return s.identity().bundle.GetX509BundleForTrustDomain(td)
}

// identity looks at the files when that is due.
func (s *Source) identity() identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	if now.Sub(s.lookedAt) < s.cfg.Reload {
		return s.current
	}
	s.lookedAt = now
	s.look(now)
	return s.current
}

// look compares contents rather than times: mounted secrets are swapped by
// link, and two writes may fall within one tick of the file system's clock.
// Files caught between two writes do not match, and are looked at again.
func (s *Source) look(now time.Time) {
	read, err := readFiles(s.cfg)
	if err == nil && read.equal(s.lastRead) && !s.failed {
		return
	}
	var next identity
	if err == nil {
		next, err = parse(read, s.td, now)
	}
	if err != nil {
		s.failures++
		if !s.failed {
			s.cfg.Log.Error("new TLS files cannot be used; the old identity stays", "error", err.Error())
		}
		s.failed = true
		return
	}
	s.failed = false
	if !read.equal(s.lastRead) {
		s.current, s.lastRead = next, read
		s.cfg.Log.Info("TLS identity rotated", "not_after", next.svid.Certificates[0].NotAfter)
	}
}
