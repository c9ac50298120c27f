package issuer

import "strconv"

// Claims of CIS2 that go beyond OpenID Connect's own.
const (
	claimUserUID       = "nhsid_useruid"
	claimRoles         = "nhsid_nrbac_roles"
	claimSelectedRole  = "selected_roleid"
	claimIDAssurance   = "id_assurance_level"
	claimAuthAssurance = "authentication_assurance_level"
)

// method is the "amr" of every sign-in. Nobody proved anything, and the token says so.
const method = "DEMONSTRATION"

func supportedClaims() []string {
	return []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "sid", "nonce", "auth_time", "acr", "amr", "name",
		claimUserUID, claimRoles, claimSelectedRole, claimIDAssurance, claimAuthAssurance,
	}
}

// level of assurance, 1 to 3.
func (p Person) level() int {
	if p.AssuranceLevel == 0 {
		return 3
	}
	return p.AssuranceLevel
}

// acr is CIS2's name for the level at which somebody signed in.
func (p Person) acr() string { return "AAL" + strconv.Itoa(p.level()) + "_ANY" }

// claims of a person who acts in one of their roles, in CIS2's shape.
func (p Person) claims(selectedRole string) map[string]any {
	roles := make([]map[string]string, 0, len(p.Roles))
	for _, r := range p.Roles {
		roles = append(roles, map[string]string{
			"person_orgid":  r.PersonOrgID,
			"person_roleid": r.PersonRoleID,
			"org_code":      r.OrgCode,
			"role_name":     r.RoleName,
			"role_code":     r.RoleCode,
		})
	}
	level := strconv.Itoa(p.level())
	return map[string]any{
		"name":             p.Name,
		claimUserUID:       p.Subject,
		claimRoles:         roles,
		claimSelectedRole:  selectedRole,
		claimIDAssurance:   level,
		claimAuthAssurance: level,
	}
}

// role finds one of the person's roles by its person_roleid.
func (p Person) role(id string) (Role, bool) {
	for _, r := range p.Roles {
		if r.PersonRoleID == id {
			return r, true
		}
	}
	return Role{}, false
}
