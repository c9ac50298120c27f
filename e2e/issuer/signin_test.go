package issuer_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/e2e/issuer"
	"github.com/dorsetcarerecord/dcr/e2e/issuer/flow"
)

func TestStaffTokenHasTheClaimsOfCIS2(t *testing.T) {
	b := start(t)
	tokens := b.staffToken(t.Context(), t, paramedic)
	claims, err := b.verify(t, tokens.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"iss": b.issuer.URL(), "sub": paramedic, "aud": []any{issuer.DefaultAudience}, "client_id": "app", "azp": "app",
		"name": "Pat <b>Purbeck</b>",
		"acr":  "AAL3_ANY", "amr": []any{"DEMONSTRATION"}, "nhsid_useruid": paramedic, "selected_roleid": roleID,
		"id_assurance_level": "3", "authentication_assurance_level": "3",
		"nhsid_nrbac_roles": []any{map[string]any{
			"person_orgid": "998800000201", "person_roleid": roleID, "org_code": "RYF",
			"role_name": "Paramedic", "role_code": "S8000:G8000:R1070",
		}},
	}
	lifetime := claims["exp"].(float64) - claims["iat"].(float64)
	if lifetime < issuer.DefaultTokenLifetime.Seconds()-5 {
		t.Errorf("token lives for %v s, want the whole run", lifetime)
	}
	for _, name := range []string{"exp", "iat", "nbf", "jti", "sid", "auth_time"} {
		if claims[name] == nil || claims[name] == "" {
			t.Errorf("claim %s is missing", name)
		}
		delete(claims, name)
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Error(diff)
	}
}

func TestIDTokenCarriesNoRole(t *testing.T) {
	b := start(t)
	claims, err := b.verify(t, b.staffToken(t.Context(), t, paramedic).IDToken)
	if err != nil {
		t.Fatal(err)
	}
	if claims["name"] != "Pat <b>Purbeck</b>" || claims["nonce"] == nil || claims["acr"] != "AAL3_ANY" {
		t.Errorf("ID token: %v", claims)
	}
	for _, name := range []string{"nhsid_nrbac_roles", "selected_roleid"} {
		if claims[name] != nil {
			t.Errorf("ID token carries %s", name)
		}
	}
}

func TestAssuranceLevelIsThePersons(t *testing.T) {
	b := start(t)
	claims, err := b.verify(t, b.staffToken(t.Context(), t, weak).AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if claims["acr"] != "AAL1_ANY" || claims["authentication_assurance_level"] != "1" {
		t.Errorf("claims: %v", claims)
	}
}

func TestConfidentialApplicationSignsIn(t *testing.T) {
	b := start(t)
	portal := flow.Application{ID: "portal", Secret: "portal-secret", RedirectURI: "https://portal.invalid/callback"}
	if _, err := b.flow.StaffToken(t.Context(), portal, paramedic, roleID); err != nil {
		t.Fatal(err)
	}
	portal.Secret = "wrong"
	_, err := b.flow.StaffToken(t.Context(), portal, paramedic, roleID)
	refusal(t, err, "invalid_client")
}

func TestCodeIsGoodOnce(t *testing.T) {
	b := start(t)
	grant, err := b.flow.SignIn(t.Context(), app(), paramedic, roleID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.flow.Redeem(t.Context(), app(), grant); err != nil {
		t.Fatal(err)
	}
	_, err = b.flow.Redeem(t.Context(), app(), grant)
	refusal(t, err, "invalid_grant")
}

func TestWrongVerifierIsRefusedAndUsesTheCodeUp(t *testing.T) {
	b := start(t)
	grant, err := b.flow.SignIn(t.Context(), app(), paramedic, roleID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.flow.Redeem(t.Context(), app(), flow.Grant{Code: grant.Code, Verifier: strings.Repeat("x", 52)})
	refusal(t, err, "invalid_grant")
	_, err = b.flow.Redeem(t.Context(), app(), grant)
	refusal(t, err, "invalid_grant")
}

func TestCodeExpires(t *testing.T) {
	b := start(t)
	grant, err := b.flow.SignIn(t.Context(), app(), paramedic, roleID)
	if err != nil {
		t.Fatal(err)
	}
	b.ahead.Store(int64(11 * time.Minute))
	_, err = b.flow.Redeem(t.Context(), app(), grant)
	refusal(t, err, "invalid_grant")
}

func TestSignInRefusals(t *testing.T) {
	b := start(t)
	for _, test := range []struct {
		name          string
		app           flow.Application
		subject, role string
		want          string
	}{
		{"unknown client", flow.Application{ID: "nobody", RedirectURI: app().RedirectURI}, paramedic, roleID, "authorize: status 400"},
		{"unregistered redirect", flow.Application{ID: "app", RedirectURI: "https://evil.invalid/"}, paramedic, roleID, "authorize: status 400"},
		{"a system", flow.Application{ID: "feed-r0d", RedirectURI: app().RedirectURI}, paramedic, roleID, "authorize: status 400"},
		{"unknown person", app(), "998899999999", roleID, "send login form: status 400"},
		{"role that is not held", app(), paramedic, "998800009999", "send login form: status 400"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := b.flow.StaffToken(t.Context(), test.app, test.subject, test.role)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestPKCEWithS256IsNeeded(t *testing.T) {
	b := start(t)
	ask := "/authorize?response_type=code&client_id=portal&scope=openid&redirect_uri=https%3A%2F%2Fportal.invalid%2Fcallback"
	for name, query := range map[string]string{
		"none": "", "plain": "&code_challenge_method=plain&code_challenge=" + strings.Repeat("x", 43),
	} {
		t.Run(name, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.issuer.URL()+ask+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := b.server.Client().Transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if !strings.Contains(response.Header.Get("Location"), "error=invalid_request") {
				t.Errorf("status %d, location %q", response.StatusCode, response.Header.Get("Location"))
			}
		})
	}
}

func TestLoginPageEscapesNames(t *testing.T) {
	b := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		b.issuer.URL()+"/authorize?response_type=code&client_id=app&scope=openid&code_challenge_method=S256&code_challenge=x"+
			"&redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := b.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "Pat &lt;b&gt;Purbeck") || strings.Contains(string(page), "<b>") {
		t.Errorf("page:\n%s", page)
	}
}

func TestLoginFromAnotherSiteIsRefused(t *testing.T) {
	b := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.issuer.URL()+"/login", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := b.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestUserInfo(t *testing.T) {
	b := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.issuer.URL()+"/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+b.staffToken(t.Context(), t, paramedic).AccessToken)
	response, err := b.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	info := map[string]any{}
	if err := json.NewDecoder(response.Body).Decode(&info); err != nil {
		t.Fatal(err)
	}
	if info["sub"] != paramedic || info["selected_roleid"] != roleID || len(info["nhsid_nrbac_roles"].([]any)) != 1 {
		t.Errorf("user info: %v", info)
	}
}
