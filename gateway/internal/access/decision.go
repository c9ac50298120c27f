package access

import (
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Decision is the answer of Decide: a permit with what may be shown and what
// comes with it, or a refusal with one reason. The zero Decision permits nothing.
type Decision struct {
	// Permit is true when the call may go on.
	Permit bool
	// Refusal is what the caller is told; nil when permitted.
	Refusal *fault.Error
	// Profession that the policy gives the role code, e.g. "paramedic"; empty
	// for a system, or where the role is unknown.
	Profession string
	// Permissions of the profession, sorted.
	Permissions []string
	// RoleSections are those that the role sees given a care relationship. They
	// are for telling the caller, never for showing a record.
	RoleSections []*accessv1.SectionGrant
	// Sections of a record that may be shown now, with their levels, in the
	// order of the contract. Empty without a relationship that was asked for.
	Sections []*accessv1.SectionGrant
	// Reviewer is as what the profession makes steps in cases; none for most.
	Reviewer Reviewer
	// CountyWide is true when the caller sees the cases of every organisation, and
	// not of their own alone.
	CountyWide bool
	// Obligations that come with the permit, e.g. "alert".
	Obligations []string
	// Relationship is the strongest one that stands; nil without one, and nil
	// where the rule asks for none.
	Relationship *identityv1.CareRelationship
	// ChoiceNumber of the opt-out choice that the decision rests on; 0 when the
	// person never chose.
	ChoiceNumber int64
	// Restriction says how a restricted person is shown.
	Restriction recordv1.Restriction
	// GPOutsideCounty is true when the person's practice is outside the county.
	GPOutsideCounty bool
	// Marks that the audit event carries, sorted, e.g. "emergency".
	Marks []string
	// Purpose of use, e.g. "direct_care".
	Purpose string
	// LawfulBasis of the processing, from the policy.
	LawfulBasis string
	// PolicyVersion of the policy that decided.
	PolicyVersion string
}
