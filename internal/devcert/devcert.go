// Package devcert makes certificates for development and tests: one authority
// and leaves signed by it, as PEM files in one folder. It is for the
// one-command stack and for tests only; production brings its own authority.
//
// In the folder: ca.pem and ca-key.pem, and for each name <name>.pem and
// <name>-key.pem. All are readable by their owner alone and replaced in one
// step, so that a running process may re-read them at any moment.
package devcert

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// TrustDomain is the SPIFFE trust domain of every certificate made here.
const TrustDomain = "dorsetcarerecord"

// PublicName is the file name of the certificate for the gateway's public
// HTTPS; see Authority.EnsurePublic.
const PublicName = "public"

const (
	caName       = "ca"
	caLife       = 365 * 24 * time.Hour
	leafLife     = 30 * 24 * time.Hour
	renewalShare = 3 // a certificate is replaced in the last third of its life
	// skew makes new certificates valid for peers whose clock is behind.
	skew = time.Minute
)

// Authority is the development authority whose files lie in Dir.
type Authority struct {
	Dir string
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Ensure makes the authority and a leaf for each name in dir, where they are
// missing, near their end or not of this authority. The names are SPIFFE names
// such as "gateway" and "record-svc".
func Ensure(dir string, names []string) error {
	return Authority{Dir: dir}.Ensure(names...)
}

// CAFile is the path of the authority's certificate in dir.
func CAFile(dir string) string { return CertFile(dir, caName) }

// CertFile is the path of the certificate of name in dir.
func CertFile(dir, name string) string { return filepath.Join(dir, name+".pem") }

// KeyFile is the path of the key of name in dir.
func KeyFile(dir, name string) string { return filepath.Join(dir, name+"-key.pem") }

// Leaf says what a leaf certificate holds.
type Leaf struct {
	// Name is the file's name and, unless Public, the path of the SPIFFE id.
	Name string
	// Hosts are DNS names and IP addresses; localhost and the loopback
	// addresses are always added.
	Hosts []string
	// Public leaves the SPIFFE id and client use out: such a certificate
	// serves the public and is accepted by no service of ours.
	Public bool
	// NotBefore and NotAfter are, when zero, now and 30 days from now.
	NotBefore, NotAfter time.Time
}

// Ensure makes what is missing: see the function Ensure.
func (a Authority) Ensure(names ...string) error {
	ca, err := a.ensureCA()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := a.ensureLeaf(ca, Leaf{Name: name, Hosts: []string{name}}); err != nil {
			return err
		}
	}
	return nil
}

// EnsurePublic makes the server certificate for the gateway's public HTTPS,
// as "public.pem", for the given DNS names and addresses.
func (a Authority) EnsurePublic(hosts ...string) error {
	ca, err := a.ensureCA()
	if err != nil {
		return err
	}
	return a.ensureLeaf(ca, Leaf{Name: PublicName, Hosts: hosts, Public: true})
}

// WriteLeaf makes a leaf and replaces the one of that name, whatever it was:
// so tests rotate certificates and make expired ones.
func (a Authority) WriteLeaf(leaf Leaf) error {
	ca, err := a.ensureCA()
	if err != nil {
		return err
	}
	return a.issue(ca, leaf)
}

func (a Authority) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}

func (a Authority) ensureCA() (pair, error) {
	if err := os.MkdirAll(a.Dir, 0o700); err != nil {
		return pair{}, fmt.Errorf("make certificate folder: %w", err)
	}
	if ca, err := readPair(a.Dir, caName); err == nil && a.fresh(ca.cert) {
		return ca, nil
	}
	ca, err := newCA(a.now())
	if err != nil {
		return pair{}, err
	}
	return ca, ca.write(a.Dir, caName)
}

func (a Authority) ensureLeaf(ca pair, leaf Leaf) error {
	old, err := readPair(a.Dir, leaf.Name)
	if err == nil && a.fresh(old.cert) && signedBy(old.cert, ca.cert) && covers(old.cert, leaf) {
		return nil
	}
	return a.issue(ca, leaf)
}

func (a Authority) issue(ca pair, leaf Leaf) error {
	if !validName(leaf.Name) {
		return fmt.Errorf("issue certificate: %q is no certificate name", leaf.Name)
	}
	if leaf.NotBefore.IsZero() {
		leaf.NotBefore = a.now().Add(-skew)
	}
	if leaf.NotAfter.IsZero() {
		leaf.NotAfter = leaf.NotBefore.Add(leafLife)
	}
	p, err := newLeaf(ca, leaf)
	if err != nil {
		return err
	}
	return p.write(a.Dir, leaf.Name)
}

// fresh tells whether the certificate is in the first part of its life.
func (a Authority) fresh(c *x509.Certificate) bool {
	life := c.NotAfter.Sub(c.NotBefore)
	now := a.now()
	return !now.Before(c.NotBefore) && now.Before(c.NotAfter.Add(-life/renewalShare))
}

// validName keeps names to one folder and apart from the authority's files.
func validName(name string) bool {
	ok, err := regexp.MatchString(`^[a-z][a-z0-9-]*$`, name)
	return err == nil && ok && name != caName
}
