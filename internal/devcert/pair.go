package devcert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// pair is a certificate and its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(now time.Time) (pair, error) {
	return sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "Dorset Care Record development authority"},
		URIs:                  []*url.URL{{Scheme: "spiffe", Host: TrustDomain}},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(caLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, nil)
}

func newLeaf(ca pair, leaf Leaf) (pair, error) {
	names, addresses := split(leaf.Hosts)
	c := &x509.Certificate{
		Subject:               pkix.Name{CommonName: leaf.Name},
		DNSNames:              names,
		IPAddresses:           addresses,
		NotBefore:             leaf.NotBefore,
		NotAfter:              leaf.NotAfter,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if !leaf.Public {
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: TrustDomain, Path: "/" + leaf.Name}}
		c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	return sign(c, &ca)
}

// sign makes a key and has the authority sign its certificate; without one the
// certificate signs itself.
func sign(template *x509.Certificate, ca *pair) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return pair{}, fmt.Errorf("make serial number: %w", err)
	}
	parent, parentKey := template, key
	if ca != nil {
		parent, parentKey = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return pair{}, fmt.Errorf("sign certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{}, fmt.Errorf("read signed certificate: %w", err)
	}
	return pair{cert: cert, key: key}, nil
}

func readPair(dir, name string) (pair, error) {
	loaded, err := tls.LoadX509KeyPair(CertFile(dir, name), KeyFile(dir, name))
	if err != nil {
		return pair{}, fmt.Errorf("read certificate %s: %w", name, err)
	}
	key, ok := loaded.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return pair{}, errors.New("read certificate: the key is not ECDSA")
	}
	return pair{cert: loaded.Leaf, key: key}, nil
}

func (p pair) write(dir, name string) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("write key of %s: %w", name, err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := replace(KeyFile(dir, name), key); err != nil {
		return err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
	return replace(CertFile(dir, name), cert)
}

// replace puts content in place in one step, readable by the owner alone.
func replace(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(f.Name())))
		}
	}()
	_, werr := f.Write(content)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// signedBy tells whether the authority made this certificate.
func signedBy(c, ca *x509.Certificate) bool { return c.CheckSignatureFrom(ca) == nil }

// covers tells whether the certificate is good for every host of the leaf.
func covers(c *x509.Certificate, leaf Leaf) bool {
	for _, h := range leaf.Hosts {
		if c.VerifyHostname(h) != nil {
			return false
		}
	}
	return (len(c.URIs) == 0) == leaf.Public
}

// split sorts hosts into names and addresses, this machine's own included.
func split(hosts []string) ([]string, []net.IP) {
	names := []string{"localhost"}
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			addresses = append(addresses, ip)
		} else if h != "localhost" {
			names = append(names, h)
		}
	}
	return names, addresses
}
