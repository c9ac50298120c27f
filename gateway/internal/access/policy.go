// Package access decides who may do what. Decide is a pure function of a rule
// (proto option of an RPC), the facts of the moment and a Policy; it reaches
// for nothing. What it tells a refused caller is in words.go, and which role
// sees which section is in policy.v1.yaml.
package access

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

//go:embed policy.v1.yaml
var defaultPolicy []byte

// maxPolicyBytes is more than any policy needs.
const maxPolicyBytes = 1 << 20

// purposeDirectCare is the one purpose that shows a record.
const purposeDirectCare = "direct_care"

// purposeOwnRequest is the purpose of a member of the public: their own request to opt out, or back in.
const purposeOwnRequest = "own_request"

// Policy is a checked role and section policy. It is never changed after it
// was made, so it may be shared.
type Policy struct {
	version      string
	lawfulBasis  string
	partners     []string
	professions  map[string]*profession
	byRole       map[string]*profession
	system       grants
	oversight    map[identityv1.OrganisationKind]bool
	oversightMay grants
	reviewers    map[string]Reviewer
	countyWide   map[string]bool
}

// profession is what a profession may do and see.
type profession struct {
	name     string
	roles    []string
	purpose  string
	may      grants
	sections []*accessv1.SectionGrant
}

// grants are permissions, sorted.
type grants struct {
	purpose     string
	permissions []string
}

func (g grants) has(permission string) bool {
	_, found := slices.BinarySearch(g.permissions, permission)
	return found
}

// DefaultPolicy is the policy that the project ships.
func DefaultPolicy() (*Policy, error) { return parsePolicy(defaultPolicy) }

// ParsePolicy reads a policy that replaces the default whole. Anything in it that is unknown, missing,
// doubled or contradictory is an error.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > maxPolicyBytes {
		return nil, fmt.Errorf("read access policy: longer than %d bytes", maxPolicyBytes)
	}
	return parsePolicy(text)
}

// parsePolicy reads and checks; nothing of a faulty policy comes into force.
func parsePolicy(text []byte) (*Policy, error) {
	var doc document
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("parse access policy: %w", err)
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("parse access policy: more than one document")
	}
	p, err := doc.policy()
	if err != nil {
		return nil, fmt.Errorf("check access policy: %w", err)
	}
	sum := sha256.Sum256(text)
	p.version = doc.Version + "+" + hex.EncodeToString(sum[:4])
	return p, nil
}

// Version names the policy in decisions and audit events: its own version and
// the first digits of its SHA-256, so that an edit without a new version shows.
func (p *Policy) Version() string { return p.version }

// StaffMay tells whether any profession holds the permission.
func (p *Policy) StaffMay(permission string) bool {
	for _, f := range p.professions {
		if f.may.has(permission) {
			return true
		}
	}
	return false
}

// SystemsMay tells whether partners' systems hold the permission.
func (p *Policy) SystemsMay(permission string) bool { return p.system.has(permission) }

// Permissions are all that anybody holds, sorted.
func (p *Policy) Permissions() []string {
	all := slices.Clone(p.system.permissions)
	for _, f := range p.professions {
		all = append(all, f.may.permissions...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Professions are the names of all professions, sorted.
func (p *Policy) Professions() []string {
	var names []string
	for name := range p.professions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ProfessionOf is the profession of a role code; empty when unknown.
func (p *Policy) ProfessionOf(roleCode string) string {
	if f := p.byRole[roleCode]; f != nil {
		return f.name
	}
	return ""
}

// RoleCodes of a profession, as the policy lists them.
func (p *Policy) RoleCodes(profession string) []string {
	if f := p.professions[profession]; f != nil {
		return slices.Clone(f.roles)
	}
	return nil
}

// ProfessionMay tells whether the profession holds the permission.
func (p *Policy) ProfessionMay(profession, permission string) bool {
	f := p.professions[profession]
	return f != nil && f.may.has(permission)
}

// Sections that the profession sees given a care relationship, in the order of
// the contract, without those that it does not see. They must not be changed.
func (p *Policy) Sections(profession string) []*accessv1.SectionGrant {
	if f := p.professions[profession]; f != nil {
		return f.sections
	}
	return nil
}
