// Package issuer is a real OpenID Connect issuer for the one-command run and for tests, with the claims of NHS Care
// Identity Service 2 (CIS2): staff sign in by authorization code with PKCE, partner systems use client credentials.
//
// It is for demonstration only: anybody may sign in as anybody on its page. It therefore says so twice, in the last
// segment of its URL (PathSuffix) and in its metadata (DemonstrationMember), and a gateway refuses to trust it beside
// any other issuer (DESIGN.md section 5, STACK.md "OIDC issuer for the one-command run").
//
// The protocol is zitadel/oidc's; this package is its storage, its login page and the list of what is switched on.
package issuer
