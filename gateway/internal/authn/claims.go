package authn

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
)

// Limits of what goes into audit events and to identity-svc, in bytes.
const (
	maxSubject      = 256
	maxSession      = 128
	maxRole         = 32
	maxOrganisation = 16
	maxAssurance    = 128
)

// claims are those of a verified token.
type claims struct{ raw map[string]json.RawMessage }

// text is a claim that is a string; empty when it is absent or something else.
func (c claims) text(name string) string {
	var s string
	if err := json.Unmarshal(c.raw[name], &s); err != nil {
		return ""
	}
	return s
}

func (c claims) has(name string) bool {
	_, ok := c.raw[name]
	return ok
}

// date is a numeric date claim, in seconds since 1970; 0 when it is absent, false when it is no number.
func (c claims) date(name string) (seconds float64, ok bool) {
	if !c.has(name) {
		return 0, true
	}
	err := json.Unmarshal(c.raw[name], &seconds)
	return seconds, err == nil
}

// notBefore tells whether a numeric date claim, where there is one, has come.
func (c claims) notBefore(name string, now time.Time) bool {
	seconds, ok := c.date(name)
	return ok && seconds <= float64(now.Add(leeway).Unix())
}

// begin is when a token that was checked begins to be good, before leeway.
func (c claims) begin() time.Time {
	nbf, _ := c.date("nbf")
	iat, _ := c.date("iat")
	return time.Unix(int64(max(nbf, iat)), 0)
}

// caller reads who calls from the claims of a verified token.
func (t *trusted) caller(token *oidc.IDToken, c claims, now time.Time) (Caller, error) {
	if !c.notBefore("nbf", now) || !c.notBefore("iat", now) {
		return Caller{}, refuse("not yet valid")
	}
	who := Caller{
		Issuer:   t.URL,
		Subject:  token.Subject,
		Session:  firstOf(c.text("sid"), c.text("jti")),
		ClientID: firstOf(c.text("azp"), c.text("client_id")),
	}
	if who.Subject == "" || !plain(who.Subject, maxSubject) || !plain(who.ClientID, maxSubject) || !plain(who.Session, maxSession) {
		return Caller{}, refuse("subject, client or session")
	}
	if t.isStaff(c) {
		return t.staff(who, c)
	}
	return t.system(who)
}

// isStaff tells the two kinds of token apart: only a person's has roles.
func (t *trusted) isStaff(c claims) bool {
	if t.Claims.Roles != "" {
		return c.has(t.Claims.Roles) || c.has(t.Claims.Selected)
	}
	return c.has(t.Claims.RoleCode) || c.has(t.Claims.Organisation)
}

// staff is a member of staff in exactly one role, within what the issuer may
// speak for.
func (t *trusted) staff(who Caller, c claims) (Caller, error) {
	if !t.speaksFor(KindStaff) {
		return Caller{}, refuse("kind")
	}
	if who.Subject == who.ClientID {
		return Caller{}, refuse("a system's token with a role")
	}
	who.Assurance = c.text("acr")
	if !matches(t.ACR, who.Assurance) || !plain(who.Assurance, maxAssurance) {
		return Caller{}, refuse("assurance level")
	}
	role, ok := t.role(c)
	if !ok {
		return Caller{}, refuse("selected role")
	}
	who.RoleCode, who.ODSCode = role.code, role.organisation
	if !matches(t.RoleCodes, who.RoleCode) || !matches(t.Organisations, who.ODSCode) {
		return Caller{}, refuse("issuer may not speak for this role or organisation")
	}
	who.Audience = accessv1.Audience_AUDIENCE_STAFF
	return who, nil
}

// system is a partner's system. By RFC 9068 the subject of a client's own
// token is the client; otherwise it might be a person's token that lost its roles.
func (t *trusted) system(who Caller) (Caller, error) {
	if !t.speaksFor(KindSystem) {
		return Caller{}, refuse("kind")
	}
	if who.ClientID == "" || who.Subject != who.ClientID {
		return Caller{}, refuse("neither a role nor a client")
	}
	who.Audience = accessv1.Audience_AUDIENCE_SYSTEM
	return who, nil
}

// role is one role at one organisation.
type role struct{ code, organisation string }

// role finds the one selected role; false when there is none, or several.
func (t *trusted) role(c claims) (role, bool) {
	if t.Claims.Roles == "" {
		return t.roleIn(c)
	}
	selected := c.text(t.Claims.Selected)
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(c.raw[t.Claims.Roles], &list); err != nil || selected == "" {
		return role{}, false
	}
	list = slices.DeleteFunc(list, func(r map[string]json.RawMessage) bool {
		return claims{r}.text(t.Claims.RoleID) != selected
	})
	if len(list) != 1 {
		return role{}, false
	}
	return t.roleIn(claims{list[0]})
}

// roleIn reads code and organisation. A national code comes as
// "S8000:G8000:R8000", of which the last part is the job role.
func (t *trusted) roleIn(c claims) (role, bool) {
	code := c.text(t.Claims.RoleCode)
	code = code[strings.LastIndexByte(code, ':')+1:]
	r := role{code: code, organisation: strings.ToUpper(c.text(t.Claims.Organisation))}
	return r, r.code != "" && r.organisation != "" && plain(r.code, maxRole) && plain(r.organisation, maxOrganisation)
}

// plain tells whether a name is short and of printable ASCII, as databases,
// logs and patterns can all hold it.
func plain(s string, longest int) bool {
	return len(s) <= longest && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
