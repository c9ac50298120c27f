// Package authn tells who calls: it verifies the bearer tokens of the trusted
// OIDC issuers and reads from them a member of staff in one role at one
// organisation, or a partner's system. It decides nothing beyond that: whether
// the role stands, and whose system it is, identity-svc answers.
package authn

import accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"

// Caller is who calls, as far as a verified token says so. The zero Caller is
// a caller without a token.
type Caller struct {
	// Audience is the kind of caller: anyone, staff or a partner's system.
	Audience accessv1.Audience
	// Issuer is the URL of the token's issuer; empty for anyone.
	Issuer string
	// Subject is the subject at that issuer.
	Subject string
	// Session is the token's session (sid), else its id (jti). Never the token.
	Session string
	// ClientID is the OAuth2 client of the token: azp, else client_id.
	ClientID string
	// RoleCode is the job role in which a member of staff acts, e.g. R1070.
	RoleCode string
	// Assurance is the level of the sign-in (acr) of a member of staff; empty for a system.
	Assurance string
	// ODSCode is the organisation at which a member of staff acts. It is empty
	// for a system: whose system it is comes from identity-svc alone.
	ODSCode string
}

// Anyone is the caller without a token.
func Anyone() Caller { return Caller{Audience: accessv1.Audience_AUDIENCE_ANYONE} }
