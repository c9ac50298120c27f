package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// patientsEach bounds the care relationships that are named for each member of staff.
const patientsEach = 8

// Manifest is stack.json: all that a client in any language needs to start from.
type Manifest struct {
	GatewayURL  string        `json:"gateway_url"`
	GatewayGRPC string        `json:"gateway_grpc"`
	IssuerURL   string        `json:"issuer_url"`
	CAFile      string        `json:"ca_file"`
	Audit       Audit         `json:"audit"`
	Staff       []StaffEntry  `json:"staff"`
	Systems     []SystemEntry `json:"systems"`
	Patients    []PersonEntry `json:"patients"`
}

// StaffEntry is a member of staff with a token that lives for the whole run.
type StaffEntry struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	RoleCode string `json:"role_code"`
	ODSCode  string `json:"ods_code"`
	Token    string `json:"token"`
	// Patients are NHS numbers of people with whom this member has an active care relationship.
	Patients []string `json:"patients"`
}

// SystemEntry is a partner's system with a token that lives for the whole run.
type SystemEntry struct {
	ODSCode string `json:"ods_code"`
	Token   string `json:"token"`
}

// PersonEntry is a person of the county.
type PersonEntry struct {
	NHSNumber  string   `json:"nhs_number"`
	FamilyName string   `json:"family_name"`
	BirthDate  string   `json:"date_of_birth"`
	Tags       []string `json:"tags"`
}

// WriteManifest collects tokens and relationships and writes stack.json.
func (s *Stack) WriteManifest(ctx context.Context) (*Manifest, error) {
	m := &Manifest{
		GatewayURL: s.gateways[0].URL, GatewayGRPC: s.gateways[0].Address, IssuerURL: s.issuer.URL, CAFile: s.CAFile(), Audit: s.Audit(),
	}
	for _, p := range s.cfg.County.People {
		m.Patients = append(m.Patients, PersonEntry{NHSNumber: p.NHSNumber, FamilyName: p.FamilyName, BirthDate: p.BirthDate, Tags: append([]string{}, p.Tags...)})
	}
	for _, o := range s.cfg.County.Organisations {
		token, err := s.SystemToken(ctx, o.ODSCode)
		if err != nil {
			return nil, err
		}
		m.Systems = append(m.Systems, SystemEntry{ODSCode: o.ODSCode, Token: token})
	}
	rest, err := NewREST(m.GatewayURL, m.CAFile)
	if err != nil {
		return nil, err
	}
	for _, member := range s.cfg.County.Staff {
		entry, err := s.staffEntry(ctx, rest, member)
		if err != nil {
			return nil, err
		}
		m.Staff = append(m.Staff, *entry)
	}
	return m, writePrivate(s.ManifestFile(), m)
}

// ManifestFile is where stack.json lies.
func (s *Stack) ManifestFile() string { return ManifestPath(s.cfg.Dir) }

// ManifestPath is where the stack.json of a run in dir lies.
func ManifestPath(dir string) string { return filepath.Join(dir, "stack.json") }

// staffEntry signs a member in and asks the suite with whom they have a care relationship. The county
// knows only whom it meant; who is cared for by whom is identity-svc's to say.
func (s *Stack) staffEntry(ctx context.Context, rest *REST, m county.Staff) (*StaffEntry, error) {
	token, err := s.StaffToken(ctx, m)
	if err != nil {
		return nil, err
	}
	e := &StaffEntry{Name: m.Name(), Role: m.Role.Name, RoleCode: m.Role.Code, ODSCode: m.ODSCode, Token: token, Patients: []string{}}
	for _, number := range s.cfg.County.PatientsOf(m) {
		if len(e.Patients) == patientsEach {
			break
		}
		active, err := hasRelationship(ctx, rest, token, number)
		if err != nil {
			return nil, err
		}
		if active {
			e.Patients = append(e.Patients, number)
		}
	}
	return e, nil
}

func hasRelationship(ctx context.Context, rest *REST, token, number string) (bool, error) {
	answer, err := rest.Get(ctx, "/v1/patients/"+number+"/care-relationships", token)
	if err != nil {
		return false, err
	}
	if answer.Status == http.StatusForbidden {
		return false, nil // the role has no part in care, or the record is the member's own
	}
	if err := answer.Err(); err != nil {
		return false, fmt.Errorf("care relationships: %w", err)
	}
	var list struct {
		CareRelationships []struct {
			Active bool `json:"active"`
		} `json:"care_relationships"`
	}
	if err := json.Unmarshal(answer.Body, &list); err != nil {
		return false, err
	}
	for _, r := range list.CareRelationships {
		if r.Active {
			return true, nil
		}
	}
	return false, nil
}

// ReadManifest reads the stack.json of a running suite.
func ReadManifest(path string) (*Manifest, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	return m, json.Unmarshal(text, m)
}
