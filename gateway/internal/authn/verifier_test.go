package authn_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
	"github.com/dorsetcarerecord/dcr/gateway/internal/testissuer"
)

func TestStaffToken(t *testing.T) {
	i := testissuer.New(t)
	got, err := i.Verifier().Verify(t.Context(), i.Signed(i.StaffClaims(nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := authn.Caller{
		Audience: accessv1.Audience_AUDIENCE_STAFF, Issuer: i.URL, Subject: "998800000201", Session: "session-1",
		ClientID: "app", RoleCode: "R1070", Assurance: "AAL3_ANY", ODSCode: "RYF",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// The organisation that a system's token claims is not read at all.
func TestSystemToken(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier()
	got, err := v.Verify(t.Context(), i.Signed(i.SystemClaims(nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := authn.Caller{
		Audience: accessv1.Audience_AUDIENCE_SYSTEM, Issuer: i.URL, Subject: "feed-r0d", Session: "token-2", ClientID: "feed-r0d",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !v.MaySpeakFor(got.Issuer, "RYF") || v.MaySpeakFor(got.Issuer, "RBD") || v.MaySpeakFor("https://other.example", "RYF") {
		t.Error("the issuer speaks for organisations beyond its list")
	}
}

func TestTokensRefusedByTheirClaims(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier()
	minute := func(n int) int64 { return i.Now().Add(time.Duration(n) * time.Minute).Unix() }
	role := func(id, org, code string) map[string]any {
		return map[string]any{"person_roleid": id, "org_code": org, "role_code": code}
	}
	cases := []struct {
		name   string
		claims map[string]any
		check  string
	}{
		{"expired", i.StaffClaims(testissuer.Set{"exp": minute(-1)}), "expiry"},
		{"no expiry", i.StaffClaims(testissuer.Set{"exp": nil}), "expiry"},
		{"not yet valid", i.StaffClaims(testissuer.Set{"nbf": minute(1)}), "not yet valid"},
		{"issued in the future", i.StaffClaims(testissuer.Set{"iat": minute(1)}), "not yet valid"},
		{"nbf is no number", i.StaffClaims(testissuer.Set{"nbf": "soon"}), "signature or audience"},
		{"wrong audience", i.StaffClaims(testissuer.Set{"aud": "other"}), "signature or audience"},
		{"no audience", i.StaffClaims(testissuer.Set{"aud": nil}), "signature or audience"},
		{"wrong issuer", i.StaffClaims(testissuer.Set{"iss": "https://other.example"}), "issuer"},
		{"issuer with a slash", i.StaffClaims(testissuer.Set{"iss": i.URL + "/"}), "issuer"},
		{"no subject", i.StaffClaims(testissuer.Set{"sub": nil}), "subject, client or session"},
		{"endless subject", i.StaffClaims(testissuer.Set{"sub": strings.Repeat("x", 300)}), "subject, client or session"},
		{"subject with a zero byte", i.StaffClaims(testissuer.Set{"sub": "a\x00b"}), "subject, client or session"},
		{"long organisation", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": []any{role("role-1", "J81"+strings.Repeat("9", 20), "R1070")}}), "selected role"},
		{"no selected role", i.StaffClaims(testissuer.Set{"selected_roleid": nil}), "selected role"},
		{"selected role is not held", i.StaffClaims(testissuer.Set{"selected_roleid": "role-9"}), "selected role"},
		{"two roles selected", i.StaffClaims(testissuer.Set{"selected_roleid": []string{"role-1", "role-2"}}), "selected role"},
		{"one role id, two roles", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": []any{role("role-1", "RYF", "R1070"), role("role-1", "RYF", "R0260")}}), "selected role"},
		{"roles are no list", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": "R1070"}), "selected role"},
		{"role without organisation", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": []any{role("role-1", "", "R1070")}}), "selected role"},
		{"role without code", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": []any{role("role-1", "RYF", "S8000:G8000:")}}), "selected role"},
		{"organisation beyond the issuer", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": []any{role("role-1", "RBD", "R1070")}}), "issuer may not speak for this role or organisation"},
		{"role beyond the issuer", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": []any{role("role-1", "RYF", "DCR-ADMIN")}}), "issuer may not speak for this role or organisation"},
		{"one factor", i.StaffClaims(testissuer.Set{"acr": "AAL1_ANY"}), "assurance level"},
		{"no assurance level", i.StaffClaims(testissuer.Set{"acr": nil}), "assurance level"},
		{"person without roles", i.StaffClaims(testissuer.Set{"nhsid_nrbac_roles": nil, "selected_roleid": nil}), "neither a role nor a client"},
		{"system with a role", i.StaffClaims(testissuer.Set{"sub": "app"}), "a system's token with a role"},
		{"system without a client", i.SystemClaims(testissuer.Set{"azp": nil, "client_id": nil}), "neither a role nor a client"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			caller, err := v.Verify(t.Context(), i.Signed(c.claims))
			refused(t, caller, err, c.check)
		})
	}
}

func TestForgeriesAreRefused(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier()
	good := i.Signed(i.StaffClaims(nil))
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	part := strings.Split(good, ".")
	raw := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	real := i.Keys[0].Key.(*rsa.PrivateKey)
	der, err := x509.MarshalPKIXPublicKey(real.Public())
	if err != nil {
		t.Fatal(err)
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	tampered, err := json.Marshal(i.StaffClaims(testissuer.Set{"sub": "somebody-else"}))
	if err != nil {
		t.Fatal(err)
	}
	staff := i.StaffClaims(nil)
	for name, token := range map[string]string{
		"empty":                     "",
		"no token":                  "not-a-token",
		"alg none":                  raw(`{"alg":"none","kid":"k1","typ":"JWT"}`) + "." + part[1] + ".",
		"alg none, signature kept":  raw(`{"alg":"none","kid":"k1"}`) + "." + part[1] + "." + part[2],
		"alg NoNe":                  raw(`{"alg":"NoNe","kid":"k1"}`) + "." + part[1] + ".",
		"unsigned":                  part[0] + "." + part[1] + ".",
		"public key as HMAC secret": i.SignedWith(jose.HS256, secret, "k1", "at+jwt", staff),
		"algorithm not of the list": i.SignedWith(jose.RS512, real, "k1", "at+jwt", staff),
		"algorithm not of the key":  i.SignedWith(jose.PS256, real, "k1", "at+jwt", staff),
		"a stranger's key":          i.SignedWith(jose.RS256, stranger, "k1", "at+jwt", staff),
		"no key id":                 i.SignedWith(jose.RS256, real, "", "at+jwt", staff),
		"another type":              i.SignedWith(jose.RS256, real, "k1", "logout+jwt", staff),
		"tampered payload":          part[0] + "." + base64.RawURLEncoding.EncodeToString(tampered) + "." + part[2],
		"too long":                  good + strings.Repeat("A", 20<<10),
		"JSON serialization":        `{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`,
		"encrypted":                 good + "..",
	} {
		t.Run(name, func(t *testing.T) {
			caller, err := v.Verify(t.Context(), token)
			refused(t, caller, err, "")
		})
	}
}

func TestKeysRotateWithoutRestart(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier()
	before := i.Signed(i.StaffClaims(nil))
	if _, err := v.Verify(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	i.Rotate("k2")
	for _, token := range []string{i.Signed(i.StaffClaims(nil)), before} {
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
}

func TestMadeUpKeyIDsDoNotFloodTheIssuer(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier()
	if _, err := v.Verify(t.Context(), i.Signed(i.StaffClaims(nil))); err != nil {
		t.Fatal(err)
	}
	real := i.Keys[0].Key
	began := time.Now()
	done := make(chan error)
	const callers = 20
	for range callers {
		go func() {
			_, err := v.Verify(t.Context(), i.SignedWith(jose.RS256, real, "made-up", "at+jwt", i.StaffClaims(nil)))
			done <- err
		}()
	}
	for range callers {
		refused(t, authn.Caller{}, <-done, "key")
	}
	i.With(func() {
		if most := int(time.Since(began)/time.Second) + 2; i.Reads > most {
			t.Errorf("%d readings in %v", i.Reads, time.Since(began))
		}
	})
}

func TestWithdrawnKeyIsRefusedAfterRefresh(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier(func(c *authn.Issuer) { c.RefreshSeconds = 1 })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); v.Run(ctx) }()
	defer func() { stop(); <-done }()
	old := i.Signed(i.StaffClaims(nil))
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.Rotate("k2")
	i.With(func() { i.Keys = i.Keys[:1] })
	for deadline := time.Now().Add(20 * time.Second); ; {
		_, err := v.Verify(t.Context(), old)
		if err != nil {
			refused(t, authn.Caller{}, err, "key")
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a withdrawn key is still good")
		}
	}
}

func TestUnreachableIssuer(t *testing.T) {
	i := testissuer.New(t)
	i.Down = true
	v := i.Verifier()
	token := i.Signed(i.StaffClaims(nil))
	if caller, err := v.Verify(t.Context(), token); !errors.Is(err, authn.ErrUnavailable) || caller != (authn.Caller{}) {
		t.Fatalf("got %v, %v", caller, err)
	}
	if v.Ready() {
		t.Error("ready without keys")
	}
	i.With(func() { i.Down = false })
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("the issuer is back: %v", err)
	}
	if !v.Ready() {
		t.Error("not ready with keys")
	}
	i.With(func() { i.Down = true })
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("keys are at hand, the issuer is not needed: %v", err)
	}
}

func TestKeysDoNotOutliveTheirIssuer(t *testing.T) {
	i := testissuer.New(t)
	clock := time.Now()
	i.Now = func() time.Time { return clock }
	v := i.Verifier()
	if _, err := v.Verify(t.Context(), i.Signed(i.StaffClaims(nil))); err != nil {
		t.Fatal(err)
	}
	i.With(func() { i.Down = true })
	clock = clock.Add(2 * time.Hour)
	if _, err := v.Verify(t.Context(), i.Signed(i.StaffClaims(nil))); !errors.Is(err, authn.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestMetadataThatIsNotTheIssuers(t *testing.T) {
	for name, change := range map[string]func(*testissuer.Issuer){
		"of another issuer": func(i *testissuer.Issuer) { i.Metadata["issuer"] = "https://other.example" },
		"keys without TLS": func(i *testissuer.Issuer) {
			i.Metadata["jwks_uri"] = strings.Replace(i.URL, "https:", "http:", 1) + "/keys"
		},
		"no keys":           func(i *testissuer.Issuer) { i.Metadata["jwks_uri"] = i.URL + "/metadata" },
		"a demonstration's": func(i *testissuer.Issuer) { i.Metadata["dcr_demonstration"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			i := testissuer.New(t)
			change(i)
			if _, err := i.Verifier().Verify(t.Context(), i.Signed(i.StaffClaims(nil))); !errors.Is(err, authn.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestIssuerWithAnotherAuthorityIsNotBelieved(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier(func(c *authn.Issuer) { c.CAFile = "" })
	if _, err := v.Verify(t.Context(), i.Signed(i.StaffClaims(nil))); !errors.Is(err, authn.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestKindsAreKeptApart(t *testing.T) {
	i := testissuer.New(t)
	staffOnly := i.Verifier(func(c *authn.Issuer) { c.Kinds = []string{authn.KindStaff} })
	caller, err := staffOnly.Verify(t.Context(), i.Signed(i.SystemClaims(nil)))
	refused(t, caller, err, "kind")
	systemsOnly := i.Verifier(func(c *authn.Issuer) { c.Kinds, c.RoleCodes = []string{authn.KindSystem}, nil })
	caller, err = systemsOnly.Verify(t.Context(), i.Signed(i.StaffClaims(nil)))
	refused(t, caller, err, "kind")
}

func TestFlatClaims(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier(func(c *authn.Issuer) { c.Claims = &authn.Claims{RoleCode: "role", Organisation: "org"} })
	got, err := v.Verify(t.Context(), i.Signed(i.StaffClaims(testissuer.Set{"role": "R0260", "org": "j81900"})))
	if err != nil || got.RoleCode != "R0260" || got.ODSCode != "J81900" {
		t.Errorf("got %+v, %v", got, err)
	}
	caller, err := v.Verify(t.Context(), i.Signed(i.StaffClaims(testissuer.Set{"role": []string{"R0260", "R1070"}, "org": "J81900"})))
	refused(t, caller, err, "selected role")
}

func refused(t *testing.T, caller authn.Caller, err error, check string) {
	t.Helper()
	var r *authn.Refusal
	if !errors.As(err, &r) || (check != "" && r.Check != check) {
		t.Errorf("got %v, want a refusal for %q", err, check)
	}
	if caller != (authn.Caller{}) {
		t.Errorf("a refused token has a caller: %+v", caller)
	}
}
