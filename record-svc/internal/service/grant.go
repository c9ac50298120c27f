package service

import (
	"fmt"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// grant is what the gateway's decision permits, checked.
type grant struct {
	number nhsnumber.Number
	// levels of the sections that are permitted. A section that is not in it is not.
	levels map[section.Name]render.Level
	choice int64
	mask   store.Masking
	// outsideGP is true when the person is registered with a practice outside the county.
	outsideGP bool
}

// sectionNames are the sections by their number in the contract.
func sectionNames() map[accessv1.Section]section.Name {
	return map[accessv1.Section]section.Name{
		accessv1.Section_SECTION_DEMOGRAPHICS: section.Demographics,
		accessv1.Section_SECTION_ALLERGIES:    section.Allergies,
		accessv1.Section_SECTION_MEDICATION:   section.Medication,
		accessv1.Section_SECTION_HISTORY:      section.History,
		accessv1.Section_SECTION_CARE_PLANS:   section.CarePlans,
		accessv1.Section_SECTION_RESULTS:      section.Results,
		accessv1.Section_SECTION_SOCIAL_CARE:  section.SocialCare,
		accessv1.Section_SECTION_SAFEGUARDING: section.Safeguarding,
	}
}

// readGrant checks a grant for itself: an unknown section or level, one that is there twice, or an
// unknown restriction refuses, since it may mean less than it seems.
func readGrant(g *recordv1.Grant) (*grant, error) {
	number, err := parseNumber(g.GetNhsNumber(), "grant.nhs_number")
	if err != nil {
		return nil, err
	}
	out := &grant{number: number, levels: map[section.Name]render.Level{}, choice: g.GetChoiceNumber(), outsideGP: g.GetGpOutsideCounty()}
	names := sectionNames()
	for i, s := range g.GetSections() {
		field := fmt.Sprintf("grant.sections[%d]", i)
		name, ok := names[s.GetSection()]
		if _, twice := out.levels[name]; !ok || twice {
			return nil, badGrant(field + ".section")
		}
		switch s.GetLevel() {
		case accessv1.Level_LEVEL_FULL:
			out.levels[name] = render.Full
		case accessv1.Level_LEVEL_SUMMARY:
			out.levels[name] = render.Summary
		default:
			return nil, badGrant(field + ".level")
		}
	}
	switch g.GetRestriction() {
	case recordv1.Restriction_RESTRICTION_NONE: // if we know better, the statement masks
	case recordv1.Restriction_RESTRICTION_UNBROKEN:
		out.mask.Always = true
	case recordv1.Restriction_RESTRICTION_BROKEN:
		out.mask.Broken = true
	default:
		return nil, badGrant("grant.restriction")
	}
	return out, nil
}

func badGrant(field string) error {
	return fault.Invalid("INVALID_ARGUMENT", field, "The grant is not one that a decision can give.")
}

// asked are the sections that are asked for: all, unless some are named.
func asked(named []accessv1.Section) ([]section.Name, error) {
	if len(named) == 0 {
		return section.All(), nil
	}
	names := sectionNames()
	want := map[section.Name]bool{}
	for i, s := range named {
		name, ok := names[s]
		if !ok {
			return nil, fault.Invalid("INVALID_SECTION", fmt.Sprintf("asked[%d]", i), "No such section.")
		}
		want[name] = true
	}
	var in []section.Name
	for _, name := range section.All() {
		if want[name] {
			in = append(in, name)
		}
	}
	return in, nil
}

// grantOf is the manifest's word for a section at a level.
func grantOf(name section.Name, level render.Level) *accessv1.SectionGrant {
	out := &accessv1.SectionGrant{Level: accessv1.Level_LEVEL_FULL}
	if level == render.Summary {
		out.Level = accessv1.Level_LEVEL_SUMMARY
	}
	for number, n := range sectionNames() {
		if n == name {
			out.Section = number
		}
	}
	return out
}
