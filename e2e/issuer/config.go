package issuer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// PathSuffix is the last segment of every demonstration issuer's URL. A gateway knows the issuer by it.
const PathSuffix = "/demonstration"

// DemonstrationMember is the member of the discovery document that is true at a demonstration issuer.
const DemonstrationMember = "dcr_demonstration"

// DefaultAudience is the audience of access tokens: the gateway.
const DefaultAudience = "dorset-care-record"

// DefaultTokenLifetime is how long an access token lives. A run of the demonstration may stay up for days, and what it
// printed must work until the end; a real issuer's tokens live for minutes.
const DefaultTokenLifetime = 30 * 24 * time.Hour

// Config is everything that an issuer is made from. It is also the shape of the process's configuration file.
type Config struct {
	// URL is the issuer's identifier, an https URL that ends in PathSuffix. Plain http needs AllowHTTP.
	URL string `json:"url"`
	// AllowHTTP accepts an http URL, for tests on loopback.
	AllowHTTP bool `json:"allow_http,omitempty"`
	// KeyDir is the folder that keeps the signing keys, so that a restart keeps its tokens valid.
	KeyDir string `json:"key_dir"`
	// Audience of access tokens. Empty: DefaultAudience.
	Audience string `json:"audience,omitempty"`
	// TokenLifetimeSeconds of access tokens. Zero: DefaultTokenLifetime.
	TokenLifetimeSeconds int64 `json:"token_lifetime_seconds,omitempty"`
	// ControlSecret opens POST <URL>/control/rotate-keys to whoever bears it. Empty: there is no such endpoint.
	ControlSecret string `json:"control_secret,omitempty"`
	// People who may be chosen on the login page.
	People []Person `json:"people"`
	// Clients that may ask for tokens.
	Clients []Client `json:"clients"`

	// Now is the clock. Nil: time.Now. The protocol library stamps "iat" with the machine's clock regardless.
	Now func() time.Time `json:"-"`
	// Log takes protocol errors. Nil: they are dropped.
	Log *slog.Logger `json:"-"`
}

// Person is somebody who can sign in.
type Person struct {
	// Subject is the CIS2 user id, twelve digits: claims "sub" and "nhsid_useruid".
	Subject string `json:"subject"`
	// Name as displayed: claim "name".
	Name string `json:"name"`
	// Roles that the person holds; one is selected at sign-in.
	Roles []Role `json:"roles"`
	// AssuranceLevel of identity and authentication, 1 to 3. Zero: 3.
	AssuranceLevel int `json:"assurance_level,omitempty"`
}

// Role is one role at one organisation, as in CIS2's "nhsid_nrbac_roles".
type Role struct {
	// PersonOrgID and PersonRoleID identify the membership and the role within it.
	PersonOrgID  string `json:"person_orgid"`
	PersonRoleID string `json:"person_roleid"`
	// OrgCode is the ODS code, OrgName its name.
	OrgCode string `json:"org_code"`
	OrgName string `json:"org_name"`
	// RoleName in words, RoleCode as national triple "S8000:G8000:R8000".
	RoleName string `json:"role_name"`
	RoleCode string `json:"role_code"`
}

// Client is an application that staff sign in to, or a partner system. The two are told apart by RedirectURIs.
type Client struct {
	ID string `json:"id"`
	// Secret authenticates the client. An application without one is public and lives by PKCE alone; a system needs one.
	Secret string `json:"secret,omitempty"`
	// RedirectURIs make the client an application that uses the code flow. Without any it is a system that uses client
	// credentials. A loopback URI of a public client matches any port.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	// Claims are added to a system's tokens as they are. They prove nothing: tests put a wrong ODS code here to show that
	// the gateway does not believe it.
	Claims map[string]any `json:"claims,omitempty"`
}

// system says whether the client is a partner system.
func (c Client) system() bool { return len(c.RedirectURIs) == 0 }

// normalise fills the defaults in and checks the rest. Every fault found is in the error.
func (c Config) normalise() (Config, error) {
	if c.Audience == "" {
		c.Audience = DefaultAudience
	}
	if c.TokenLifetimeSeconds == 0 {
		c.TokenLifetimeSeconds = int64(DefaultTokenLifetime / time.Second)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(c.checkURL(), c.checkPeople(), c.checkClients())
}

func (c Config) checkURL() error {
	u, err := url.Parse(c.URL)
	if err != nil {
		return fmt.Errorf("issuer url: %w", err)
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && c.AllowHTTP) {
		return fmt.Errorf("issuer url %q: not https", c.URL)
	}
	if u.Host == "" || !strings.HasSuffix(u.Path, PathSuffix) || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("issuer url %q: must name a host, end in %s and have no query", c.URL, PathSuffix)
	}
	if c.KeyDir == "" {
		return errors.New("key_dir: missing")
	}
	if c.TokenLifetimeSeconds < 0 {
		return errors.New("token_lifetime_seconds: negative")
	}
	return nil
}

func (c Config) checkPeople() error {
	var faults []error
	seen := map[string]bool{}
	for _, p := range c.People {
		switch {
		case p.Subject == "" || p.Name == "" || len(p.Roles) == 0:
			faults = append(faults, fmt.Errorf("person %q: subject, name and a role are needed", p.Subject))
		case seen[p.Subject]:
			faults = append(faults, fmt.Errorf("person %q: named twice", p.Subject))
		case p.AssuranceLevel < 0 || p.AssuranceLevel > 3:
			faults = append(faults, fmt.Errorf("person %q: assurance_level is 1 to 3", p.Subject))
		}
		seen[p.Subject] = true
	}
	return errors.Join(faults...)
}

func (c Config) checkClients() error {
	var faults []error
	seen := map[string]bool{}
	for _, client := range c.Clients {
		switch {
		case client.ID == "":
			faults = append(faults, errors.New("client: id missing"))
		case seen[client.ID]:
			faults = append(faults, fmt.Errorf("client %q: named twice", client.ID))
		case client.system() && client.Secret == "":
			faults = append(faults, fmt.Errorf("client %q: a system needs a secret", client.ID))
		}
		seen[client.ID] = true
	}
	return errors.Join(faults...)
}
