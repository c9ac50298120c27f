package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// overrideNever is the one setting of emergency_override_of_opt_out.
const overrideNever = "never"

// document is the policy file as written. Its meaning is in policy.v1.yaml.
type document struct {
	Version           string                        `yaml:"version"`
	LawfulBasis       string                        `yaml:"lawful_basis"`
	EmergencyOverride string                        `yaml:"emergency_override_of_opt_out"`
	Partners          []string                      `yaml:"partners_to_contact"`
	Sets              map[string][]string           `yaml:"permission_sets"`
	Professions       map[string]professionDocument `yaml:"professions"`
	Systems           struct {
		Purpose     string `yaml:"purpose"`
		Permissions string `yaml:"permissions"`
	} `yaml:"systems"`
	OversightOnly struct {
		Kinds       []string `yaml:"kinds"`
		Permissions string   `yaml:"permissions"`
	} `yaml:"oversight_only"`
	Cases casesDocument `yaml:"cases"`
}

type professionDocument struct {
	RoleCodes   []string          `yaml:"role_codes"`
	Purpose     string            `yaml:"purpose"`
	Permissions string            `yaml:"permissions"`
	Sections    map[string]string `yaml:"sections"`
}

// policy checks the document and turns it into what Decide uses. Every fault
// found is in the error.
func (d document) policy() (*Policy, error) {
	p := &Policy{
		lawfulBasis: d.LawfulBasis,
		partners:    d.Partners,
		professions: map[string]*profession{},
		byRole:      map[string]*profession{},
		oversight:   map[identityv1.OrganisationKind]bool{},
	}
	faults := []error{d.checkHead(), d.checkSets()}
	p.system = d.grants("systems", d.Systems.Purpose, d.Systems.Permissions, &faults)
	p.oversightMay = d.grants("oversight_only", "oversight", d.OversightOnly.Permissions, &faults)
	for _, kind := range d.OversightOnly.Kinds {
		k, ok := identityv1.OrganisationKind_value["ORGANISATION_KIND_"+strings.ToUpper(kind)]
		if !ok || k == 0 {
			faults = append(faults, fmt.Errorf("oversight_only: unknown kind of organisation %q", kind))
		}
		p.oversight[identityv1.OrganisationKind(k)] = true
	}
	for _, name := range sortedKeys(d.Professions) {
		d.addProfession(p, name, &faults)
	}
	faults = append(faults, d.Cases.apply(p))
	return p, errors.Join(faults...)
}

func (d document) checkHead() error {
	var faults []error
	if d.Version == "" || d.LawfulBasis == "" {
		faults = append(faults, errors.New("version and lawful_basis are needed"))
	}
	if d.EmergencyOverride != overrideNever {
		faults = append(faults, fmt.Errorf("emergency_override_of_opt_out: only %q is known", overrideNever))
	}
	if len(d.Partners) == 0 || slices.Contains(d.Partners, "") {
		faults = append(faults, errors.New("partners_to_contact: nobody, or an empty name"))
	}
	if len(d.Professions) == 0 {
		faults = append(faults, errors.New("professions: none"))
	}
	return errors.Join(faults...)
}

// checkSets refuses sets that are empty, name a permission twice or are used
// by nobody: each is the trace of a slip.
func (d document) checkSets() error {
	used := map[string]bool{d.Systems.Permissions: true, d.OversightOnly.Permissions: true}
	for _, f := range d.Professions {
		used[f.Permissions] = true
	}
	var faults []error
	for _, name := range sortedKeys(d.Sets) {
		set := d.Sets[name]
		sorted := slices.Sorted(slices.Values(set))
		switch {
		case len(set) == 0 || slices.Contains(set, ""):
			faults = append(faults, fmt.Errorf("permission set %q: empty, or with an empty name", name))
		case len(slices.Compact(sorted)) != len(set):
			faults = append(faults, fmt.Errorf("permission set %q: a permission is named twice", name))
		case !used[name]:
			faults = append(faults, fmt.Errorf("permission set %q: nobody holds it", name))
		}
	}
	return errors.Join(faults...)
}

func (d document) grants(who, purpose, set string, faults *[]error) grants {
	permissions, ok := d.Sets[set]
	if !ok {
		*faults = append(*faults, fmt.Errorf("%s: unknown permission set %q", who, set))
	}
	if purpose == "" {
		*faults = append(*faults, fmt.Errorf("%s: no purpose", who))
	}
	return grants{purpose: purpose, permissions: slices.Sorted(slices.Values(permissions))}
}

func (d document) addProfession(p *Policy, name string, faults *[]error) {
	doc := d.Professions[name]
	f := &profession{
		name:    name,
		roles:   doc.RoleCodes,
		purpose: doc.Purpose,
		may:     d.grants(name, doc.Purpose, doc.Permissions, faults),
	}
	var err error
	if f.sections, err = sectionGrants(doc.Sections); err != nil {
		*faults = append(*faults, fmt.Errorf("%s: %w", name, err))
	}
	if len(doc.RoleCodes) == 0 {
		*faults = append(*faults, fmt.Errorf("%s: no role code", name))
	}
	for _, code := range doc.RoleCodes {
		if other := p.byRole[code]; other != nil || code == "" {
			*faults = append(*faults, fmt.Errorf("%s: role code %q is empty or stands twice", name, code))
		}
		p.byRole[code] = f
	}
	p.professions[name] = f
}

// sectionGrants demands that every section of the contract is named: one that
// was forgotten must not pass for one that was decided.
func sectionGrants(named map[string]string) ([]*accessv1.SectionGrant, error) {
	var faults []error
	var given []*accessv1.SectionGrant
	known := map[string]bool{}
	for number := int32(1); accessv1.Section_name[number] != ""; number++ {
		section := accessv1.Section(number)
		known[SectionName(section)] = true
		level, err := levelOf(named[SectionName(section)])
		if err != nil {
			faults = append(faults, fmt.Errorf("section %s: %w", SectionName(section), err))
		}
		if level > accessv1.Level_LEVEL_NONE {
			given = append(given, &accessv1.SectionGrant{Section: section, Level: level})
		}
	}
	for _, name := range sortedKeys(named) {
		if !known[name] {
			faults = append(faults, fmt.Errorf("unknown section %q", name))
		}
	}
	return given, errors.Join(faults...)
}

func levelOf(name string) (accessv1.Level, error) {
	switch name {
	case "full":
		return accessv1.Level_LEVEL_FULL, nil
	case "summary":
		return accessv1.Level_LEVEL_SUMMARY, nil
	case "none":
		return accessv1.Level_LEVEL_NONE, nil
	default:
		return accessv1.Level_LEVEL_UNSPECIFIED, fmt.Errorf("level %q is none of full, summary, none", name)
	}
}

// SectionName is the name of a section in requests, views and the policy, e.g.
// "care_plans".
func SectionName(s accessv1.Section) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "SECTION_"))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
