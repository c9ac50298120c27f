package fault_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// misconfiguration is one setting that is wrong, and what the refusal must name.
type misconfiguration struct {
	name  string
	set   map[string]string
	names string
}

// testRefusals: security configuration that is wrong or half present stops the process, and the message names
// the setting. Tried on check-config and on serve, with the binaries that run.
func testRefusals(t *testing.T, s *suite) {
	schemas := map[string]string{"audit-svc": "audit", "identity-svc": "identity", "record-svc": "record", "optout-svc": "optout"}
	for _, program := range append([]string{"gateway"}, services...) {
		t.Run(program, func(t *testing.T) {
			env := s.stack.Environment(program + "-1")
			// Addresses of its own, so that serve fails for no other reason.
			for _, listen := range []string{"DCR_LISTEN", "DCR_LISTEN_REST", "DCR_LISTEN_GRPC", "DCR_OPS_LISTEN"} {
				if env[listen] != "" {
					env[listen] = "127.0.0.1:0"
				}
			}
			if code, text := s.runProgram(t, program, "check-config", env); code != 0 {
				t.Fatalf("check-config refuses what runs: %s", text)
			}
			cases := s.wrongTLS(program)
			if program == "gateway" {
				cases = append(cases, s.wrongGateway(t)...)
			} else {
				cases = append(cases, s.wrongDatabase(schemas[program])...)
			}
			for _, target := range targets(env) {
				cases = append(cases, misconfiguration{"no peer", map[string]string{target: ""}, target})
			}
			for _, c := range cases {
				changed := maps.Clone(env)
				maps.Copy(changed, c.set)
				for _, command := range []string{"check-config", "serve"} {
					code, text := s.runProgram(t, program, command, changed)
					if code <= 0 || !strings.Contains(text, c.names) {
						t.Errorf("%s: %s ended with %d and does not name %s:\n%s", c.name, command, code, c.names, text)
					}
					if strings.Contains(text, "password") && strings.Contains(text, "postgres://") {
						t.Errorf("%s: %s prints a database URL", c.name, command)
					}
				}
			}
		})
	}
}

func (s *suite) wrongTLS(program string) []misconfiguration {
	dir, other := s.stack.CertDir(), "dcrctl"
	return []misconfiguration{
		{"no key", map[string]string{"DCR_TLS_KEY_FILE": ""}, "DCR_TLS_KEY_FILE"},
		{"no certificate", map[string]string{"DCR_TLS_CERT_FILE": ""}, "DCR_TLS_CERT_FILE"},
		{"no authority", map[string]string{"DCR_TLS_CA_FILE": ""}, "DCR_TLS_CA_FILE"},
		{"no TLS at all", map[string]string{"DCR_TLS_KEY_FILE": "", "DCR_TLS_CERT_FILE": "", "DCR_TLS_CA_FILE": ""}, "DCR_TLS_CERT_FILE"},
		{"key of another", map[string]string{"DCR_TLS_KEY_FILE": devcert.KeyFile(dir, other)}, "DCR_TLS_"},
		{"certificate of another name", map[string]string{
			"DCR_TLS_CERT_FILE": devcert.CertFile(dir, other), "DCR_TLS_KEY_FILE": devcert.KeyFile(dir, other),
		}, "DCR_TLS_CERT_FILE"},
		{"public certificate inside", map[string]string{
			"DCR_TLS_CERT_FILE": devcert.CertFile(dir, devcert.PublicName), "DCR_TLS_KEY_FILE": devcert.KeyFile(dir, devcert.PublicName),
		}, "DCR_TLS_CERT_FILE"},
		{"half a collector", map[string]string{"DCR_OTLP_INSECURE": "true"}, "DCR_OTLP"},
		{"a collector in the clear", map[string]string{"DCR_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "DCR_OTLP"},
	}
}

func (s *suite) wrongDatabase(schema string) []misconfiguration {
	const setting = "DCR_DATABASE_URL"
	app := s.stack.DatabaseURL(postgres.AppRole(schema))
	return []misconfiguration{
		{"superuser", map[string]string{setting: s.stack.DatabaseURL("")}, setting},
		{"owner", map[string]string{setting: s.stack.DatabaseURL(postgres.OwnerRole(schema))}, "may alter schema"},
		{"another service's role", map[string]string{setting: s.stack.DatabaseURL(postgres.AppRole(otherThan(schema)))}, setting},
		{"no sslmode", map[string]string{setting: strings.Replace(app, "sslmode=disable", "", 1)}, "sslmode"},
		{"a mode that falls back", map[string]string{setting: strings.Replace(app, "sslmode=disable", "sslmode=prefer", 1)}, "sslmode"},
		{"no database", map[string]string{setting: ""}, setting},
	}
}

// targets are the settings that name a program's peers.
func targets(env map[string]string) []string {
	var all []string
	for name := range env {
		if strings.HasSuffix(name, "_TARGET") {
			all = append(all, name)
		}
	}
	return all
}

func otherThan(schema string) string {
	if schema == "audit" {
		return "identity"
	}
	return "audit"
}

func (s *suite) wrongGateway(t *testing.T) []misconfiguration {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	issuer := func(url string, more string) string {
		return `{"issuer":"` + url + `","audience":"dorset-care-record","kinds":["staff"],"organisations":["*"],"role_codes":["*"]` + more + `}`
	}
	demonstration := issuer(s.stack.IssuerURL(), `,"demonstration":true,"ca_file":"`+s.stack.CAFile()+`"`)
	issuers := func(name string, all ...string) map[string]string {
		return map[string]string{"DCR_ISSUERS_FILE": file(name, `{"issuers":[`+strings.Join(all, ",")+`]}`)}
	}
	return []misconfiguration{
		{"no issuers file", map[string]string{"DCR_ISSUERS_FILE": filepath.Join(dir, "missing.json")}, "DCR_ISSUERS_FILE"},
		{"issuers not set", map[string]string{"DCR_ISSUERS_FILE": ""}, "DCR_ISSUERS_FILE"},
		{"no issuer", issuers("none.json"), "DCR_ISSUERS_FILE"},
		{"demonstration beside another", issuers("beside.json", demonstration, issuer("https://care.identity.example/oidc", "")), "demonstration"},
		{"demonstration not called so", issuers("uncalled.json", issuer(s.stack.IssuerURL(), "")), "demonstration"},
		{"issuer in the clear", issuers("clear.json", issuer("http://127.0.0.1:1/oidc", "")), "DCR_ISSUERS_FILE"},
		{"no page token key", map[string]string{"DCR_PAGE_TOKEN_KEY_FILE": filepath.Join(dir, "missing.key")}, "DCR_PAGE_TOKEN_KEY_FILE"},
		{"a short page token key", map[string]string{"DCR_PAGE_TOKEN_KEY_FILE": file("short.key", "c2hvcnQ=\n")}, "DCR_PAGE_TOKEN_KEY_FILE"},
		{"no public key", map[string]string{"DCR_PUBLIC_TLS_KEY": ""}, "DCR_PUBLIC_TLS_KEY"},
		{"a policy that is none", map[string]string{"DCR_POLICY_FILE": file("policy.yaml", "roles: {}\n")}, "DCR_POLICY_FILE"},
		{"everybody is a proxy", map[string]string{"DCR_TRUSTED_PROXIES": "anywhere"}, "DCR_TRUSTED_PROXIES"},
	}
}

// runProgram runs a command of a program to its end and gives its exit code and what it said; -1 when it did not
// end by itself, as a serve that should have refused.
func (s *suite) runProgram(t *testing.T, program, command string, env map[string]string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.stack.Program(program), command)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	text, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0, string(text)
	case errors.As(err, &ended):
		return ended.ExitCode(), string(text)
	}
	t.Fatalf("run %s %s: %v", program, command, err)
	return -1, ""
}
