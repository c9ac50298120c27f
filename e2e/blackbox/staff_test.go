package blackbox_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// member is a member of staff, or a partner's system, with a token.
type member struct {
	token        string
	id, role     string // staff id and role code; empty for a system
	roleID       string
	subject, ods string
}

// signIn signs the county's first member of staff with a role in, through the login page.
func (s *suite) signIn(t *testing.T, roleCode string) member {
	t.Helper()
	for _, m := range s.county.Staff {
		if m.Role.Code == roleCode {
			return s.signInAs(t, m)
		}
	}
	t.Fatalf("the county has nobody with role %s", roleCode)
	return member{}
}

// signInAs signs a member of the county's staff in.
func (s *suite) signInAs(t *testing.T, m county.Staff) member {
	t.Helper()
	token, err := s.stack.StaffToken(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	who := member{token: token, role: m.Role.Code, subject: m.Subject, ods: m.ODSCode}
	me := &gatewayv1.GetMeResponse{}
	s.ask(t, who, &gatewayv1.GetMeRequest{}).into(t, me)
	who.id = me.GetStaffId()
	return who
}

// hire registers somebody new in a role at an organisation. ownNumber may be empty.
func (s *suite) hire(t *testing.T, roleCode, ods, ownNumber string) member {
	t.Helper()
	who := s.stranger(t, roleCode, ods)
	created := &gatewayv1.CreateStaffResponse{}
	s.ask(t, s.admin, &gatewayv1.CreateStaffRequest{RequestId: uuid.NewString(), Staff: &identityv1.Staff{
		Issuer: s.stack.IssuerURL(), Subject: who.subject, Name: "Hired " + who.subject, OwnNhsNumber: ownNumber,
		Roles: []*identityv1.StaffRole{{RoleCode: roleCode, OdsCode: ods}},
	}}).into(t, created)
	who.id, who.roleID = created.GetStaff().GetId(), created.GetStaff().GetRoles()[0].GetId()
	return who
}

// stranger has a good token of the issuer for a role that nobody registered.
func (s *suite) stranger(t *testing.T, roleCode, ods string) member {
	t.Helper()
	n := s.next()
	subject := fmt.Sprintf("9977%08d", n)
	return member{token: s.tokenOf(t, subject, roleCode, ods), subject: subject, role: roleCode, ods: ods}
}

// tokenOf is a token that the issuer could have given out.
func (s *suite) tokenOf(t *testing.T, subject, roleCode, ods string) string {
	t.Helper()
	role := "role-" + subject
	token, err := s.bad.Resigned(s.template, map[string]any{
		"sub": subject, "nhsid_useruid": subject, "name": "Hired " + subject, "selected_roleid": role, "sid": "session-" + subject,
		"nhsid_nrbac_roles": []map[string]string{{
			"person_orgid": "org-" + subject, "person_roleid": role, "org_code": ods,
			"role_name": "a role", "role_code": "S8000:G8000:" + roleCode,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// system signs a partner's system in.
func (s *suite) system(t *testing.T, ods string) member {
	t.Helper()
	token, err := s.stack.SystemToken(t.Context(), ods)
	if err != nil {
		t.Fatal(err)
	}
	return member{token: token, subject: "system-" + ods, ods: ods}
}

// client is the system of an organisation that the issuer's configuration does not have.
func (s *suite) client(t *testing.T, id string) member {
	t.Helper()
	token, err := s.stack.SystemToken(t.Context(), "R0D")
	if err == nil {
		token, err = s.bad.Resigned(token, map[string]any{"sub": id, "client_id": id, "azp": id})
	}
	if err != nil {
		t.Fatal(err)
	}
	return member{token: token, subject: id}
}

// next is a number that was not used before.
func (s *suite) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	return s.serial
}
