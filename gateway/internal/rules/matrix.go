package rules

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

// Matrix writes docs/access-matrix.md: every exposed RPC with its rule, who
// holds its permission, and which profession sees which section. It is made
// from the contract and the policy alone, so it cannot say anything else than
// what is enforced.
func Matrix(w io.Writer, policy *access.Policy) error {
	r, err := New(policy, Exposed()...)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Access matrix\n\nMade by `gateway access-matrix` from the rules in proto/dcr/gateway/v1 and the access policy\n"+
		"version %s. Do not edit. The order of checks is: token, audience, role, own record, relationship, opt-out.\n", policy.Version())
	r.writeRules(&b)
	r.writePermissions(&b, policy)
	writeSections(&b, policy)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write access matrix: %w", err)
	}
	return nil
}

func (r *Registry) writeRules(b *bytes.Buffer) {
	b.WriteString("\n## Calls\n\n| RPC | REST | Audience | Permission | Person named by | Care relationship | Opt-out refuses | Own record | Audit action | Event written by |\n" +
		"|---|---|---|---|---|---|---|---|---|---|\n")
	for _, method := range r.Methods() {
		e := r.entries[method]
		row(b, e.serviceOf()+"."+string(e.descriptor.Name()), rest(e), audiences(e), e.Rule.GetPermission(),
			e.Rule.GetPatientField(), relationshipWord(e.Rule.GetRelationship()), yes(e.Rule.GetOptOutApplies()),
			ownWord(e.Rule), e.Rule.GetAction(), accountingWord(e.Rule.GetAccountedBy()))
	}
}

func (r *Registry) writePermissions(b *bytes.Buffer, policy *access.Policy) {
	professions := policy.Professions()
	b.WriteString("\n## Permissions\n\n")
	row(b, append([]string{"Permission"}, append(spaced(professions), "partner system")...)...)
	rule(b, len(professions)+2)
	for _, permission := range policy.Permissions() {
		cells := []string{permission}
		for _, profession := range professions {
			cells = append(cells, yes(policy.ProfessionMay(profession, permission)))
		}
		row(b, append(cells, yes(policy.SystemsMay(permission)))...)
	}
}

func writeSections(b *bytes.Buffer, policy *access.Policy) {
	b.WriteString("\n## Sections, given a care relationship\n\n")
	head := []string{"Profession", "Role codes"}
	for n := int32(1); accessv1.Section_name[n] != ""; n++ {
		head = append(head, strings.ReplaceAll(access.SectionName(accessv1.Section(n)), "_", " "))
	}
	row(b, head...)
	rule(b, len(head))
	for _, profession := range policy.Professions() {
		cells := []string{strings.ReplaceAll(profession, "_", " "), strings.Join(policy.RoleCodes(profession), ", ")}
		for n := int32(1); accessv1.Section_name[n] != ""; n++ {
			cells = append(cells, level(policy.Sections(profession), accessv1.Section(n)))
		}
		row(b, cells...)
	}
}

func level(grants []*accessv1.SectionGrant, section accessv1.Section) string {
	for _, g := range grants {
		if g.GetSection() == section {
			return strings.ToLower(strings.TrimPrefix(g.GetLevel().String(), "LEVEL_"))
		}
	}
	return "–"
}

func row(b *bytes.Buffer, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func rule(b *bytes.Buffer, columns int) { b.WriteString(strings.Repeat("|---", columns) + "|\n") }

// rest lists the HTTP bindings of an RPC, its POST twin too.
func rest(e *Entry) string {
	http, ok := proto.GetExtension(e.descriptor.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || http == nil {
		return "–"
	}
	var all []string
	for _, b := range append([]*annotations.HttpRule{http}, http.GetAdditionalBindings()...) {
		all = append(all, binding(b))
	}
	return strings.Join(all, "<br>")
}

func binding(b *annotations.HttpRule) string {
	switch p := b.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return "`GET " + p.Get + "`"
	case *annotations.HttpRule_Post:
		return "`POST " + p.Post + "`"
	case *annotations.HttpRule_Put:
		return "`PUT " + p.Put + "`"
	case *annotations.HttpRule_Patch:
		return "`PATCH " + p.Patch + "`"
	case *annotations.HttpRule_Delete:
		return "`DELETE " + p.Delete + "`"
	default:
		return "–"
	}
}

func audiences(e *Entry) string {
	var all []string
	for _, a := range e.Rule.GetAudiences() {
		all = append(all, strings.ToLower(strings.TrimPrefix(a.String(), "AUDIENCE_")))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func relationshipWord(c accessv1.RelationshipCheck) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(c.String(), "RELATIONSHIP_CHECK_")), "_", " ")
}

func accountingWord(a accessv1.Accounting) string {
	return strings.ToLower(strings.TrimPrefix(a.String(), "ACCOUNTING_"))
}

func ownWord(r *accessv1.Rule) string {
	switch {
	case r.GetPatientField() == "":
		return "–"
	case r.GetOwnRecordAllowed():
		return "allowed"
	default:
		return "refused"
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "–"
}

func spaced(names []string) []string {
	var all []string
	for _, n := range names {
		all = append(all, strings.ReplaceAll(n, "_", " "))
	}
	return all
}
