package access

import (
	"slices"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// Marks that privacy officers look for in audit events (DOMAIN.md section 8).
const (
	MarkDeclared          = "declared"
	MarkSelfDeclared      = "self_declared"
	MarkEmergency         = "emergency"
	MarkOwnNumberUnknown  = "own_number_unknown"
	MarkOwnRecord         = "own_record"
	MarkOptedOut          = "opted_out"
	MarkRestricted        = "restricted"
	MarkRestrictionBroken = "restriction_broken"

	// MarkSameSurnameAndAddress and MarkSameSurname (where the member's address is
	// not known) may be family, MarkColleague is one of the same organisation.
	MarkSameSurnameAndAddress = "same_surname_and_address"
	MarkSameSurname           = "same_surname"
	MarkColleague             = "colleague"
)

// Obligations that come with a permit.
const (
	ObligationAlert    = "alert"
	ObligationTimeBox  = "time_boxed"
	ObligationReview   = "review_within_72_hours"
	ObligationWithhold = "withhold_restricted_fields"
)

// describe is what the facts say, before anything is checked.
func (p *Policy) describe(rule *accessv1.Rule, facts Facts) Decision {
	d := Decision{PolicyVersion: p.version, LawfulBasis: p.lawfulBasis}
	switch facts.Audience {
	case accessv1.Audience_AUDIENCE_STAFF:
		p.describeStaff(facts, &d)
	case accessv1.Audience_AUDIENCE_SYSTEM:
		d.Purpose, d.Permissions = p.system.purpose, p.system.permissions
	default:
		d.LawfulBasis = ""
		if facts.Token == TokenAbsent && slices.Contains(rule.GetAudiences(), accessv1.Audience_AUDIENCE_PUBLIC) {
			d.Purpose = purposeOwnRequest
		}
	}
	if rule.GetPatientField() == "" {
		return d
	}
	if facts.Choice != nil {
		d.ChoiceNumber = facts.Choice.Number
		d.mark(facts.Choice.Sealed, MarkOptedOut)
	}
	d.describeKin(facts.Staff)
	d.describePatient(facts)
	if asksRelationship(rule) {
		d.describeRelationship(strongest(facts))
	}
	if d.Relationship != nil {
		d.Sections = d.RoleSections
	}
	return d
}

func asksRelationship(rule *accessv1.Rule) bool {
	return rule.GetRelationship() == accessv1.RelationshipCheck_RELATIONSHIP_CHECK_WIDENS ||
		rule.GetRelationship() == accessv1.RelationshipCheck_RELATIONSHIP_CHECK_REQUIRED
}

// describeStaff finds what the role may do and see at its organisation. At an
// organisation for oversight only, a care profession is a visitor.
func (p *Policy) describeStaff(facts Facts, d *Decision) {
	d.mark(!facts.Staff.GetOwnNhsNumberKnown(), MarkOwnNumberUnknown)
	f := p.byRole[facts.RoleCode]
	if f == nil {
		return
	}
	d.Profession, d.Purpose, d.Permissions, d.RoleSections = f.name, f.purpose, f.may.permissions, f.sections
	d.Reviewer = p.reviewers[f.name]
	d.CountyWide = p.countyWide[f.name] && p.oversight[facts.Staff.GetOrganisation().GetKind()]
	if f.purpose == purposeDirectCare && p.oversight[facts.Staff.GetOrganisation().GetKind()] {
		d.Purpose, d.Permissions, d.RoleSections = p.oversightMay.purpose, p.oversightMay.permissions, nil
	}
}

// describeKin marks who the person is to the member. It refuses nothing beyond the
// own record: family and colleagues are treated too, and their looks are reviewed
// (DOMAIN.md sections 5 and 8).
func (d *Decision) describeKin(staff *identityv1.StaffFacts) {
	d.mark(staff.GetIsOwnRecord(), MarkOwnRecord)
	if staff.GetIsOwnRecord() {
		return
	}
	d.mark(staff.GetSameSurnameAndAddress(), MarkSameSurnameAndAddress)
	d.mark(staff.GetSameSurname(), MarkSameSurname)
	d.mark(staff.GetIsColleague(), MarkColleague)
}

func (d *Decision) describePatient(facts Facts) {
	d.Restriction = recordv1.Restriction_RESTRICTION_NONE
	if facts.Patient.GetRestricted() {
		d.Restriction = recordv1.Restriction_RESTRICTION_UNBROKEN
		until := facts.Patient.GetRestrictionBrokenUntil()
		if until != nil && until.AsTime().After(facts.Now) {
			d.Restriction = recordv1.Restriction_RESTRICTION_BROKEN
		}
	}
	d.mark(d.Restriction == recordv1.Restriction_RESTRICTION_UNBROKEN, MarkRestricted)
	d.mark(d.Restriction == recordv1.Restriction_RESTRICTION_BROKEN, MarkRestrictionBroken)
	d.oblige(d.Restriction == recordv1.Restriction_RESTRICTION_UNBROKEN, ObligationWithhold)
	d.GPOutsideCounty = gpOutsideCounty(facts.Patient.GetGp())
}

// gpOutsideCounty: a practice that our registry does not have is outside too
// (leaflet line L11). Of a person without a practice nothing is said.
func gpOutsideCounty(gp *identityv1.GpRegistration) bool {
	return gp != nil && (gp.GetState() == identityv1.OrganisationState_ORGANISATION_STATE_OUT_OF_AREA ||
		gp.GetState() == identityv1.OrganisationState_ORGANISATION_STATE_UNSPECIFIED)
}

func (d *Decision) describeRelationship(r *identityv1.CareRelationship) {
	d.Relationship = r
	switch r.GetKind() {
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED:
		d.mark(true, MarkDeclared, MarkSelfDeclared)
		d.oblige(true, ObligationAlert, ObligationTimeBox)
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY:
		d.mark(true, MarkDeclared, MarkEmergency)
		d.oblige(true, ObligationAlert, ObligationTimeBox, ObligationReview)
	}
}

func (d *Decision) mark(when bool, marks ...string) {
	if when {
		d.Marks = append(d.Marks, marks...)
		slices.Sort(d.Marks)
	}
}

func (d *Decision) oblige(when bool, obligations ...string) {
	if when {
		d.Obligations = append(d.Obligations, obligations...)
	}
}

// strongest is the relationship on which a decision rests: the one that needs
// the least excuse (from a feed before granted, declared and emergency), and of
// equal ones the first given. Nil when none stands.
func strongest(facts Facts) *identityv1.CareRelationship {
	var best *identityv1.CareRelationship
	for _, r := range facts.Relationships {
		if stands(r, facts) && (best == nil || strength(r.GetKind()) < strength(best.GetKind())) {
			best = r
		}
	}
	return best
}

// stands checks again what identity-svc says: that it is active, not over by
// our clock, this person's and this member's. Its start is not compared with
// our clock, which may be a moment behind the one that wrote it.
func stands(r *identityv1.CareRelationship, facts Facts) bool {
	person := facts.Patient.GetNhsNumber()
	switch {
	case person == "" || strength(r.GetKind()) == unknownStrength || !r.GetActive():
		return false
	case r.GetEndsAt() != nil && !r.GetEndsAt().AsTime().After(facts.Now):
		return false
	case r.GetNhsNumber() != person && r.GetNhsNumber() != facts.NHSNumber:
		return false
	case r.GetStaffId() != "" && r.GetStaffId() != facts.Staff.GetStaffId():
		return false
	}
	return true
}

const unknownStrength = 99

// strength orders kinds, the strongest first. Of those from a feed the more
// lasting one comes first.
func strength(k identityv1.RelationshipKind) int {
	switch k {
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_GP_REGISTRATION:
		return 1
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE:
		return 2
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_CASELOAD:
		return 3
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_REFERRAL:
		return 4
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_COLLEAGUE_GRANTED:
		return 5
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED:
		return 6
	case identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY:
		return 7
	default:
		return unknownStrength
	}
}
