package authn_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
)

const oneIssuer = `
issuers:
  - issuer: https://idp.example
    audience: dorset-care-record
    kinds: [staff, system]
    organisations: ["*"]
    role_codes: ["*"]
`

const demonstration = `
  - issuer: https://localhost:1/demonstration
    audience: dorset-care-record
    kinds: [staff, system]
    demonstration: true
    organisations: ["*"]
    role_codes: ["*"]
`

func load(t *testing.T, text string) (authn.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "issuers.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return authn.LoadConfig(file)
}

func TestConfigurationsAccepted(t *testing.T) {
	for name, text := range map[string]string{
		"one issuer":        oneIssuer,
		"demonstration":     "issuers:" + demonstration,
		"two real issuers":  oneIssuer + strings.ReplaceAll(strings.TrimPrefix(oneIssuer, "\nissuers:\n"), "idp.", "other."),
		"JSON":              `{"issuers": [{"issuer": "https://idp.example", "audience": "a", "kinds": ["system"], "organisations": ["R*"]}]}`,
		"flat claims":       oneIssuer + "    claims: {role_code: role, organisation: org}\n",
		"stricter sign-ins": oneIssuer + "    acr: [AAL3_FIDO2]\n    algorithms: [ES256]\n    refresh_seconds: 60\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConfigurationsRefused(t *testing.T) {
	for name, c := range map[string][2]string{
		"empty":                        {"", "no issuer"},
		"none":                         {"issuers: []", "no issuer"},
		"unknown field":                {oneIssuer + "    audiance: x\n", "audiance"},
		"named twice":                  {oneIssuer + strings.TrimPrefix(oneIssuer, "\nissuers:\n"), "named twice"},
		"demonstration beside another": {oneIssuer + demonstration, "stands beside another"},
		"demonstration beside, hidden": {oneIssuer + strings.ReplaceAll(demonstration, "    demonstration: true\n", ""), "stands beside another"},
		"demonstration by URL alone":   {"issuers:" + strings.ReplaceAll(demonstration, "    demonstration: true\n", ""), "demonstration is not set"},
		"without TLS":                  {strings.ReplaceAll(oneIssuer, "https:", "http:"), "no https URL"},
		"with a query":                 {strings.ReplaceAll(oneIssuer, "idp.example", "idp.example?a=b"), "no https URL"},
		"no audience":                  {strings.ReplaceAll(oneIssuer, "    audience: dorset-care-record\n", ""), "no audience"},
		"no kind":                      {strings.ReplaceAll(oneIssuer, "[staff, system]", "[]"), "neither staff nor system"},
		"unknown kind":                 {strings.ReplaceAll(oneIssuer, "[staff, system]", "[staff, root]"), "only staff and system"},
		"no organisations":             {strings.ReplaceAll(oneIssuer, "    organisations: [\"*\"]\n", ""), "speak for none"},
		"no roles":                     {strings.ReplaceAll(oneIssuer, "    role_codes: [\"*\"]\n", ""), "act in none"},
		"roles of a system":            {strings.ReplaceAll(oneIssuer, "[staff, system]", "[system]"), "does not speak for staff"},
		"malformed pattern":            {strings.ReplaceAll(oneIssuer, `["*"]`, `["["]`), "malformed"},
		"HMAC":                         {oneIssuer + "    algorithms: [HS256]\n", "not safe"},
		"no signature":                 {oneIssuer + "    algorithms: [none]\n", "not safe"},
		"claims half given":            {oneIssuer + "    claims: {roles: r, role_code: c, organisation: o}\n", "needs selected"},
		"claims contradict":            {oneIssuer + "    claims: {selected: s, role_code: c, organisation: o}\n", "mean nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
				t.Errorf("got %v, want %q", err, c[1])
			}
		})
	}
}

func TestMissingFilesStopTheStart(t *testing.T) {
	if _, err := authn.LoadConfig(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file, no error")
	}
	c, err := load(t, oneIssuer)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"", "no certificate"} {
		c.Issuers[0].CAFile = filepath.Join(t.TempDir(), "ca.pem")
		if content != "" {
			if err := os.WriteFile(c.Issuers[0].CAFile, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := authn.New(c, slog.New(slog.DiscardHandler), time.Now); err == nil {
			t.Error("authorities that cannot be read do not stop the start")
		}
	}
}
