package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

// condition is one thing that must hold of a rule.
type condition struct {
	holds bool
	fault string
}

func firstFaults(conditions []condition) error {
	var faults []error
	for _, c := range conditions {
		if !c.holds {
			faults = append(faults, errors.New(c.fault))
		}
	}
	return errors.Join(faults...)
}

// checkRule holds one rule against itself and its request.
func checkRule(e *Entry) error {
	rule := e.Rule
	anyone, open := e.For(accessv1.Audience_AUDIENCE_ANYONE), access.NoToken(rule)
	named := rule.GetPatientField() != ""
	required := rule.GetRelationship() == accessv1.RelationshipCheck_RELATIONSHIP_CHECK_REQUIRED
	widens := rule.GetRelationship() == accessv1.RelationshipCheck_RELATIONSHIP_CHECK_WIDENS
	return errors.Join(firstFaults([]condition{
		{!e.descriptor.IsStreamingClient() && !e.descriptor.IsStreamingServer(), "it streams: every disclosure is one answer"},
		{checkAction(rule.GetAction()), "action is missing or no dotted lower-case name"},
		{known(accessv1.RelationshipCheck_name, int32(rule.GetRelationship())), "relationship is not said"},
		{known(accessv1.Accounting_name, int32(rule.GetAccountedBy())), "accounted_by is not said"},
		{!named || isText(e.patient), "patient_field is no text field of the request"},
		{!(required || widens) || named, "a relationship is asked for, and no patient_field"},
		{!rule.GetOptOutApplies() || required, "an opt-out applies only after a relationship was required"},
		{!rule.GetOwnRecordAllowed() || named, "own_record_allowed without a patient_field"},
		{(rule.GetAccountedBy() == accessv1.Accounting_ACCOUNTING_NONE) == anyone,
			"accounted by nobody is for what anyone may call, and for that alone"},
		{!open || (!named && !required && !widens && rule.GetPermission() == ""),
			"no token is needed, yet it has a permission, a person or a relationship"},
		{open || rule.GetPermission() != "", "no permission"},
	}), checkAudiences(rule.GetAudiences()))
}

func checkAudiences(audiences []accessv1.Audience) error {
	sorted := slices.Clone(audiences)
	slices.Sort(sorted)
	open := slices.Contains(audiences, accessv1.Audience_AUDIENCE_ANYONE) || slices.Contains(audiences, accessv1.Audience_AUDIENCE_PUBLIC)
	return firstFaults([]condition{
		{len(audiences) > 0, "no audience"},
		{!slices.ContainsFunc(audiences, func(a accessv1.Audience) bool {
			return !known(accessv1.Audience_name, int32(a))
		}), "an audience is not said"},
		{len(slices.Compact(sorted)) == len(audiences), "an audience stands twice"},
		{!open || len(audiences) == 1, "anyone or the public, and somebody beside"},
	})
}

// checkPermission demands that each audience has somebody who holds the
// permission: a permission that nobody holds is a slip of the pen.
func checkPermission(e *Entry, policy *access.Policy) error {
	permission := e.Rule.GetPermission()
	return firstFaults([]condition{
		{!e.For(accessv1.Audience_AUDIENCE_STAFF) || policy.StaffMay(permission),
			fmt.Sprintf("no profession of the policy holds %q", permission)},
		{!e.For(accessv1.Audience_AUDIENCE_SYSTEM) || policy.SystemsMay(permission),
			fmt.Sprintf("systems do not hold %q in the policy", permission)},
	})
}

// checkActions refuses two RPCs that the audit log could not tell apart.
func (r *Registry) checkActions() error {
	seen := map[string]string{}
	var faults []error
	for _, method := range r.Methods() {
		action := r.entries[method].Rule.GetAction()
		if other := seen[action]; other != "" {
			faults = append(faults, fmt.Errorf("%s and %s: both are %q in the audit log", other, method, action))
		}
		seen[action] = method
	}
	return errors.Join(faults...)
}

// checkUnused refuses permissions of the policy that no rule asks for: whoever
// wrote one expects it to allow, or to withhold, something.
func (r *Registry) checkUnused(policy *access.Policy) error {
	var faults []error
	for _, permission := range policy.Permissions() {
		asked := slices.ContainsFunc(r.Methods(), func(method string) bool {
			return r.entries[method].Rule.GetPermission() == permission
		})
		if !asked {
			faults = append(faults, fmt.Errorf("the policy gives %q, and no rule asks for it", permission))
		}
	}
	return errors.Join(faults...)
}

func checkAction(action string) bool {
	ok, err := regexp.MatchString(`^[a-z_]+(\.[a-z_]+)+$`, action)
	return err == nil && ok
}

// known tells whether an enum value is one that the contract has, and not the
// unspecified one.
func known(names map[int32]string, value int32) bool {
	return value != 0 && names[value] != ""
}

func isText(f protoreflect.FieldDescriptor) bool {
	return f != nil && f.Kind() == protoreflect.StringKind && !f.IsList()
}
