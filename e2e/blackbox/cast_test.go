package blackbox_test

import (
	"net/http"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/e2e/issuer/badtoken"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// cast are the people of the matrix. They are made once, since they do not change.
type cast struct {
	open, out, own person
	system         member
	systems        map[string]member // that may not send, by why
	roles          map[string]*roleCast
	bad            map[string][]badtoken.Bad // by the good token's subject
}

// roleCast are members of staff in one role. All but stranger are registered.
type roleCast struct {
	good, stranger, ended, left, elsewhere, unrelated, formerly, own member
	permissions                                                      []string
}

const (
	staffOnly  = accessv1.Audience_AUDIENCE_STAFF
	systemOnly = accessv1.Audience_AUDIENCE_SYSTEM
	anyone     = accessv1.Audience_AUDIENCE_ANYONE
	publicOnly = accessv1.Audience_AUDIENCE_PUBLIC
)

func (s *suite) cast(t *testing.T) *cast {
	t.Helper()
	c := &cast{
		open: s.attended(t), out: s.attended(t), own: s.attended(t), system: s.system(t, ambulance),
		systems: map[string]member{
			"prospective organisation": s.system(t, "RH5"), "organisation out of area": s.system(t, "J83900"),
			"client that nobody registered": s.client(t, "system-of-strangers"),
		},
		roles: map[string]*roleCast{}, bad: map[string][]badtoken.Bad{},
	}
	s.optsOut(t, c.out)
	for _, role := range []string{paramedic, privacy, guardian, administr, safeguarder} {
		r := &roleCast{
			good: s.hire(t, role, ambulance, ""), stranger: s.stranger(t, role, ambulance), ended: s.ended(t, s.hire(t, role, ambulance, "")),
			left: s.left(t, s.hire(t, role, ambulance, "")), elsewhere: s.hire(t, role, "RH5", ""),
			unrelated: s.hire(t, role, "RBD", ""), own: s.hire(t, role, ambulance, c.own.number),
		}
		r.permissions = s.permissions(t, r.good)
		if role == paramedic {
			r.formerly = s.formerly(t, c.open)
		}
		c.roles[role] = r
		c.keepBad(s, t, r.good)
	}
	c.keepBad(s, t, c.system)
	return c
}

// formerly had a relationship with a person, which ended.
func (s *suite) formerly(t *testing.T, p person) member {
	t.Helper()
	who := s.hire(t, paramedic, "RBD", "")
	r := s.declare(t, who, p.number, identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY)
	s.ask(t, who, &gatewayv1.EndCareRelationshipRequest{
		RequestId: r.GetId(), NhsNumber: p.number, Id: r.GetId(),
	}).want(t, http.StatusOK, "")
	return who
}

func (c *cast) keepBad(s *suite, t *testing.T, of member) {
	t.Helper()
	bad, err := s.bad.All(of.token)
	if err != nil {
		t.Fatal(err)
	}
	c.bad[of.subject] = bad
}

// good is who may make the baseline call.
func (c *cast) good(m method, row baseline) member {
	switch {
	case row.role != "":
		return c.roles[row.role].good
	case m.opens(anyone), m.opens(publicOnly):
		return member{}
	default:
		return c.system
	}
}

// deviations of a method, by its rule in the contract.
func (c *cast) deviations(s *suite, t *testing.T, m method, row baseline) []deviation {
	t.Helper()
	good := c.good(m, row)
	p := c.open
	if row.restricted || row.about != nil {
		p = row.person(s, t)
	}
	in := row.make(s, t, good, p)
	number := ""
	if m.rule.GetPatientField() != "" {
		number = p.number
	}
	all := c.byToken(m, good, in)
	switch {
	case m.opens(anyone):
		return all
	case m.opens(publicOnly):
		// Who is signed in is not the public.
		return append(all,
			deviation{name: "staff", who: c.roles[paramedic].good, request: in, status: http.StatusForbidden, reason: "ACCESS_DENIED"},
			deviation{name: "a partner's system", who: c.system, request: in, status: http.StatusForbidden, reason: "ACCESS_DENIED"})
	case row.role == "":
		all = append(all, c.bySystem(m, row, in)...)
	default:
		all = append(all, c.byRole(m, row, in, number)...)
	}
	if number != "" {
		all = append(all, c.byPerson(s, t, m, row, in)...)
	}
	return all
}

// byToken: no token, and each bad one. Calls for anyone are refused with a bad token too.
func (c *cast) byToken(m method, good member, in proto.Message) []deviation {
	var all []deviation
	if !m.opens(anyone) && !m.opens(publicOnly) {
		all = append(all, deviation{name: "no token", request: in, status: http.StatusUnauthorized, reason: "UNAUTHENTICATED"})
	} else {
		good = c.system
	}
	for _, bad := range c.bad[good.subject] {
		all = append(all, deviation{name: bad.Name, token: bad.Token, request: in, status: http.StatusUnauthorized, reason: "UNAUTHENTICATED"})
	}
	return all
}

// bySystem: systems of organisations that do not take part, and staff.
func (c *cast) bySystem(m method, row baseline, in proto.Message) []deviation {
	var all []deviation
	for why, who := range c.systems {
		all = append(all, deviation{name: why, who: who, request: in, status: http.StatusForbidden, reason: "NO_ORGANISATION_CONSENT"})
	}
	who := c.roles[paramedic].good
	if m.opens(staffOnly) && slices.Contains(c.roles[paramedic].permissions, m.rule.GetPermission()) {
		return all
	}
	return append(all, deviation{name: "staff", who: who, request: in, status: http.StatusForbidden, reason: "ACCESS_DENIED"})
}

// byRole: a system, a role without the permission, and roles that do not stand.
func (c *cast) byRole(m method, row baseline, in proto.Message, number string) []deviation {
	r := c.roles[row.role]
	all := []deviation{
		{name: "role that nobody registered", who: r.stranger, number: number},
		{name: "ended role", who: r.ended, number: number},
		{name: "member who left", who: r.left, number: number},
		{name: "organisation that does not take part", who: r.elsewhere, number: number},
	}
	if !m.opens(systemOnly) {
		all = append(all, deviation{name: "a partner's system", who: c.system})
	}
	for role, other := range c.roles {
		if !slices.Contains(other.permissions, m.rule.GetPermission()) {
			all = append(all, deviation{name: "role " + role, who: other.good, number: number})
		}
	}
	for i := range all {
		all[i].request, all[i].status, all[i].reason = in, http.StatusForbidden, "ACCESS_DENIED"
	}
	return all
}

// byPerson: numbers that are none, the own record, no relationship, and an opt-out.
func (c *cast) byPerson(s *suite, t *testing.T, m method, row baseline, in proto.Message) []deviation {
	t.Helper()
	r := c.roles[row.role]
	open, opted, stranger, former := c.open, c.out, r.unrelated, r.formerly
	if m.rule.GetAccountedBy() == accessv1.Accounting_ACCOUNTING_SERVICE {
		// Some of these are permitted and change something: not of those on whom other rows rest.
		open, opted, stranger = s.attended(t), s.attended(t), s.hire(t, row.role, "RBD", "")
		s.optsOut(t, opted)
		if former.subject != "" {
			former = s.formerly(t, open)
		}
	}
	all := []deviation{
		{name: "wrong check digit", who: r.good, request: withNumber(m, in, wrongDigit), status: http.StatusBadRequest, reason: "INVALID_NHS_NUMBER"},
		{name: "ten equal digits", who: r.good, request: withNumber(m, in, equalDigit), status: http.StatusBadRequest, reason: "INVALID_NHS_NUMBER"},
	}
	own := deviation{name: "own record", who: r.own, request: withNumber(m, in, c.own.number), number: c.own.number}
	if !m.rule.GetOwnRecordAllowed() {
		own.status, own.reason = http.StatusForbidden, "ACCESS_DENIED"
	}
	unrelated := deviation{name: "no relationship", who: stranger, request: withNumber(m, in, open.number), number: open.number}
	formerly := deviation{name: "relationship that ended", who: former, request: unrelated.request, number: open.number}
	if m.rule.GetRelationship() == accessv1.RelationshipCheck_RELATIONSHIP_CHECK_REQUIRED {
		unrelated.status, unrelated.reason = http.StatusForbidden, "NO_RELATIONSHIP"
		formerly.status, formerly.reason = unrelated.status, unrelated.reason
	}
	out := deviation{name: "opted out", who: r.good, request: withNumber(m, in, opted.number), number: opted.number}
	if m.rule.GetOptOutApplies() {
		out.status, out.reason = http.StatusForbidden, "NO_PATIENT_CONSENT"
	}
	all = append(all, own, unrelated, out)
	if former.subject != "" {
		all = append(all, formerly)
	}
	return all
}
