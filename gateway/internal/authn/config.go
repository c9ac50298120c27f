package authn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The kinds of caller for which an issuer may speak.
const (
	KindStaff  = "staff"
	KindSystem = "system"
)

// demonstrationSuffix is how every demonstration issuer's URL ends. At such an
// issuer anybody may sign in as anybody.
const demonstrationSuffix = "/demonstration"

// defaultRefresh is how often an issuer's keys are read again, in seconds; a
// key that the issuer withdraws is accepted no longer than that.
const defaultRefresh = 300

// Config is the file of trusted issuers, YAML or JSON.
type Config struct {
	// Issuers that are trusted; at least one.
	Issuers []Issuer `yaml:"issuers"`
}

// Issuer is one trusted OIDC issuer, and what it may say.
type Issuer struct {
	// URL of the issuer, https, exactly as in its tokens' "iss".
	URL string `yaml:"issuer"`
	// Audience that its access tokens must name.
	Audience string `yaml:"audience"`
	// Kinds of caller for which it speaks: staff, system or both.
	Kinds []string `yaml:"kinds"`
	// Demonstration is true for a demonstration issuer. One is refused beside
	// any other issuer.
	Demonstration bool `yaml:"demonstration"`
	// CAFile holds the PEM authorities of its HTTPS; the system's when empty.
	CAFile string `yaml:"ca_file"`
	// Algorithms of its signatures; RS256, PS256 and ES256 when empty.
	Algorithms []string `yaml:"algorithms"`
	// Organisations, as ODS codes with * and ?, for which it may speak.
	Organisations []string `yaml:"organisations"`
	// RoleCodes, likewise, in which its staff may act.
	RoleCodes []string `yaml:"role_codes"`
	// ACR values, likewise, that a staff sign-in must have. When empty, CIS2's
	// AAL2 and AAL3: two factors at least.
	ACR []string `yaml:"acr"`
	// RefreshSeconds between readings of its keys; 300 when 0.
	RefreshSeconds int `yaml:"refresh_seconds"`
	// Claims says where its staff tokens keep what we need; CIS2's shape when
	// left out.
	Claims *Claims `yaml:"claims"`
}

// Claims names the claims of a staff token. With Roles, the role is the element
// of that list whose RoleID equals the claim Selected; without, RoleCode and
// Organisation are claims of the token itself.
type Claims struct {
	Roles        string `yaml:"roles"`
	Selected     string `yaml:"selected"`
	RoleID       string `yaml:"role_id"`
	RoleCode     string `yaml:"role_code"`
	Organisation string `yaml:"organisation"`
}

// cis2Claims is the shape of NHS Care Identity Service 2.
func cis2Claims() *Claims {
	return &Claims{
		Roles:        "nhsid_nrbac_roles",
		Selected:     "selected_roleid",
		RoleID:       "person_roleid",
		RoleCode:     "role_code",
		Organisation: "org_code",
	}
}

// LoadConfig reads the file of trusted issuers and checks it. Anything in it
// that is unknown, missing or contradictory is an error.
func LoadConfig(file string) (Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("read issuers: %w", err)
	}
	var c Config
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("parse issuers: %w", err)
	}
	return c, c.Check()
}

// Check refuses a configuration that is wrong or half present. Every fault
// found is in the error.
func (c Config) Check() error {
	var faults []error
	if len(c.Issuers) == 0 {
		faults = append(faults, errors.New("no issuer is trusted: nobody could sign in"))
	}
	seen := map[string]bool{}
	for _, i := range c.Issuers {
		if seen[i.URL] {
			faults = append(faults, fmt.Errorf("issuer %s: named twice", i.URL))
		}
		seen[i.URL] = true
		if i.demonstration() && len(c.Issuers) > 1 {
			faults = append(faults, fmt.Errorf("issuer %s: a demonstration issuer stands beside another", i.URL))
		}
		if err := i.check(); err != nil {
			faults = append(faults, fmt.Errorf("issuer %s: %w", i.URL, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("check issuers: %w", err)
	}
	return nil
}

// demonstration goes by the URL too, so that nobody passes one off as real by
// leaving the flag out.
func (i Issuer) demonstration() bool {
	return i.Demonstration || strings.HasSuffix(strings.TrimRight(i.URL, "/"), demonstrationSuffix)
}

func (i Issuer) check() error {
	var faults []error
	add := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, errors.New(text))
		}
	}
	u, err := url.Parse(i.URL)
	add(err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil,
		"issuer is no https URL without query")
	add(i.Audience == "", "no audience")
	add(i.demonstration() && !i.Demonstration, "it is a demonstration issuer, and demonstration is not set")
	add(len(i.Kinds) == 0, "kinds: neither staff nor system")
	for _, kind := range i.Kinds {
		add(kind != KindStaff && kind != KindSystem, "kinds: only staff and system are known")
	}
	for _, alg := range i.Algorithms {
		add(!slices.Contains(knownAlgorithms(), alg), "algorithms: one is not known, or not safe here")
	}
	add(len(i.Organisations) == 0, "organisations: it may speak for none")
	add(i.speaksFor(KindStaff) && len(i.RoleCodes) == 0, "role_codes: its staff may act in none")
	add(!i.speaksFor(KindStaff) && (len(i.RoleCodes)+len(i.ACR) > 0 || i.Claims != nil),
		"role_codes, acr or claims are set, and it does not speak for staff")
	for _, pattern := range slices.Concat(i.Organisations, i.RoleCodes, i.ACR) {
		_, err := path.Match(pattern, "")
		add(err != nil || pattern == "", "a pattern is empty or malformed")
	}
	add(i.RefreshSeconds < 0, "refresh_seconds is negative")
	if i.Claims != nil {
		faults = append(faults, i.Claims.check())
	}
	return errors.Join(faults...)
}

func (c Claims) check() error {
	if c.RoleCode == "" || c.Organisation == "" {
		return errors.New("claims: role_code and organisation are needed")
	}
	if c.Roles == "" && (c.Selected != "" || c.RoleID != "") {
		return errors.New("claims: selected and role_id mean nothing without roles")
	}
	if c.Roles != "" && (c.Selected == "" || c.RoleID == "") {
		return errors.New("claims: roles needs selected and role_id")
	}
	return nil
}

func (i Issuer) speaksFor(kind string) bool { return slices.Contains(i.Kinds, kind) }

func (i Issuer) withDefaults() Issuer {
	if len(i.Algorithms) == 0 {
		i.Algorithms = []string{"RS256", "PS256", "ES256"}
	}
	if i.Claims == nil {
		i.Claims = cis2Claims()
	}
	if len(i.ACR) == 0 {
		i.ACR = []string{"AAL2_*", "AAL3_*"}
	}
	if i.RefreshSeconds == 0 {
		i.RefreshSeconds = defaultRefresh
	}
	return i
}

// knownAlgorithms are those of public keys. HMAC and "none" are not among
// them: with HMAC, the public key would be the secret.
func knownAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// matches tells whether value fits one of the patterns.
func matches(patterns []string, value string) bool {
	return value != "" && slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, value)
		return err == nil && ok
	})
}
