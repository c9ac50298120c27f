package mtls

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// files is what lay on disk at one look.
type files struct{ cert, key, ca []byte }

func (f files) equal(o files) bool {
	return bytes.Equal(f.cert, o.cert) && bytes.Equal(f.key, o.key) && bytes.Equal(f.ca, o.ca)
}

func readFiles(c Config) (files, error) {
	var f files
	for _, r := range []struct {
		setting, path string
		to            *[]byte
	}{
		{"DCR_TLS_CERT_FILE", c.CertFile, &f.cert},
		{"DCR_TLS_KEY_FILE", c.KeyFile, &f.key},
		{"DCR_TLS_CA_FILE", c.CAFile, &f.ca},
	} {
		b, err := os.ReadFile(r.path)
		if err != nil {
			return files{}, fmt.Errorf("%s: %w", r.setting, err)
		}
		*r.to = b
	}
	return f, nil
}

// identity is one usable state of the files.
type identity struct {
	svid   *x509svid.SVID
	bundle *x509bundle.Bundle
}

// parse checks everything that a peer would check, so that a bad certificate
// is found at start and not at the first call.
func parse(f files, td spiffeid.TrustDomain, now time.Time) (identity, error) {
	bundle, err := x509bundle.Parse(td, f.ca)
	if err != nil {
		return identity{}, fmt.Errorf("DCR_TLS_CA_FILE: %w", err)
	}
	if bundle.Empty() {
		return identity{}, errors.New("DCR_TLS_CA_FILE holds no certificate")
	}
	svid, err := x509svid.Parse(f.cert, f.key)
	if err != nil {
		return identity{}, fmt.Errorf("DCR_TLS_CERT_FILE and DCR_TLS_KEY_FILE: %w", err)
	}
	if !svid.ID.MemberOf(td) || svid.ID.Path() == "" {
		return identity{}, fmt.Errorf("DCR_TLS_CERT_FILE: %s is not a name in trust domain %s", svid.ID, td)
	}
	leaf := svid.Certificates[0]
	if now.Before(leaf.NotBefore) {
		return identity{}, fmt.Errorf("DCR_TLS_CERT_FILE: not valid before %s", leaf.NotBefore.Format(time.RFC3339))
	}
	if now.After(leaf.NotAfter) {
		return identity{}, fmt.Errorf("DCR_TLS_CERT_FILE: expired at %s", leaf.NotAfter.Format(time.RFC3339))
	}
	if _, _, err := x509svid.Verify(svid.Certificates, bundle, x509svid.WithTime(now)); err != nil {
		return identity{}, fmt.Errorf("DCR_TLS_CERT_FILE is not signed by DCR_TLS_CA_FILE: %w", err)
	}
	return identity{svid: svid, bundle: bundle}, nil
}
