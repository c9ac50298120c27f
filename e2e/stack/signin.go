package stack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/issuer"
	"github.com/dorsetcarerecord/dcr/e2e/issuer/flow"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
)

// application is the client that staff sign in to. Nobody serves its redirect: the code is read off it.
var application = flow.Application{ID: "dcr-demonstration", RedirectURI: "http://127.0.0.1/callback"}

// issuerEndpoint is where the demonstration issuer answers.
type issuerEndpoint struct {
	URL    string
	client *flow.Client
}

// issuerFile is the configuration of the issuer's process.
type issuerFile struct {
	Listen   string        `json:"listen"`
	CertFile string        `json:"cert_file"`
	KeyFile  string        `json:"key_file"`
	Issuer   issuer.Config `json:"issuer"`
}

// ClientID is the OAuth2 client of an organisation's system.
func ClientID(odsCode string) string { return "system-" + odsCode }

// clientIDs of every organisation's system.
func (s *Stack) clientIDs() []string {
	if s.cfg.County == nil {
		return nil
	}
	var ids []string
	for _, o := range s.cfg.County.Organisations {
		ids = append(ids, ClientID(o.ODSCode))
	}
	return ids
}

// startIssuer starts the issuer's process with the county's staff and one client for each organisation.
func (s *Stack) startIssuer(ctx context.Context) error {
	port := s.secrets.IssuerPort
	s.issuer.URL = fmt.Sprintf("https://%s%s", loopback(port), issuer.PathSuffix)
	certs := s.path("certs")
	path := s.path("config", "issuer.json")
	err := writePrivate(path, issuerFile{
		Listen:   loopback(port),
		CertFile: devcert.CertFile(certs, devcert.PublicName), KeyFile: devcert.KeyFile(certs, devcert.PublicName),
		Issuer: issuer.Config{
			URL: s.issuer.URL, KeyDir: s.path("issuer-keys"), ControlSecret: s.secrets.ControlSecret,
			People: s.people(), Clients: s.clients(),
		},
	})
	if err != nil {
		return err
	}
	p, err := StartProcess(ctx, Spec{
		Name: "issuer", Program: filepath.Join(s.cfg.BinDir, "issuer"), Args: []string{"--config", path}, LogDir: s.path("log"),
	})
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	return s.discoverIssuer(ctx)
}

// people who may sign in: the county's staff, one role each.
func (s *Stack) people() []issuer.Person {
	if s.cfg.County == nil {
		return nil
	}
	var people []issuer.Person
	for _, m := range s.cfg.County.Staff {
		o, _ := s.cfg.County.Organisation(m.ODSCode)
		people = append(people, issuer.Person{Subject: m.Subject, Name: m.Name(), Roles: []issuer.Role{{
			PersonOrgID: m.PersonOrgID, PersonRoleID: m.PersonRoleID, OrgCode: m.ODSCode, OrgName: o.Name,
			RoleName: m.Role.Name, RoleCode: m.Role.NationalCode(),
		}}})
	}
	return people
}

func (s *Stack) clients() []issuer.Client {
	clients := []issuer.Client{{ID: application.ID, RedirectURIs: []string{application.RedirectURI}}}
	for _, id := range s.clientIDs() {
		clients = append(clients, issuer.Client{ID: id, Secret: s.secrets.ClientSecrets[id]})
	}
	return clients
}

// discoverIssuer waits until the issuer answers.
func (s *Stack) discoverIssuer(ctx context.Context) error {
	transport, err := s.transport()
	if err != nil {
		return err
	}
	probe := &http.Client{Transport: transport}
	if err := until(ctx, func() bool { return ready(ctx, probe, s.issuer.URL+"/.well-known/openid-configuration") }); err != nil {
		return fmt.Errorf("the issuer does not answer (see %s): %w", s.path("log", "issuer.log"), err)
	}
	s.issuer.client, err = flow.New(ctx, s.issuer.URL, transport)
	return err
}

func (s *Stack) transport() (*http.Transport, error) {
	pem, err := os.ReadFile(s.CAFile())
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}, nil
}

// IssuerURL of the demonstration issuer.
func (s *Stack) IssuerURL() string { return s.issuer.URL }

// IssuerKeyDir holds the issuer's signing keys, for tests that make bad tokens.
func (s *Stack) IssuerKeyDir() string { return s.path("issuer-keys") }

// RotateIssuerKeys makes the issuer sign with a new key from now on.
func (s *Stack) RotateIssuerKeys(ctx context.Context) error {
	transport, err := s.transport()
	if err != nil {
		return err
	}
	rest := &REST{BaseURL: s.issuer.URL, HTTP: &http.Client{Transport: transport}}
	answer, err := rest.Do(ctx, http.MethodPost, "/control/rotate-keys", s.secrets.ControlSecret, "", nil)
	if err != nil {
		return err
	}
	return answer.Err()
}

// StaffToken signs a member of staff in and returns the access token.
func (s *Stack) StaffToken(ctx context.Context, m county.Staff) (string, error) {
	tokens, err := s.issuer.client.StaffToken(ctx, application, m.Subject, m.PersonRoleID)
	if err != nil {
		return "", fmt.Errorf("sign %s in: %w", m.Role.Name, err)
	}
	return tokens.AccessToken, nil
}

// SystemToken gets the access token of an organisation's system.
func (s *Stack) SystemToken(ctx context.Context, odsCode string) (string, error) {
	id := ClientID(odsCode)
	tokens, err := s.issuer.client.SystemToken(ctx, id, s.secrets.ClientSecrets[id])
	if err != nil {
		return "", fmt.Errorf("token of %s: %w", url.PathEscape(id), err)
	}
	return tokens.AccessToken, nil
}
