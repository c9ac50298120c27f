package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"

	"github.com/dorsetcarerecord/dcr/e2e/issuer"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
)

// startGateways starts every replica of the gateway, each with a REST and a gRPC surface of its own.
func (s *Stack) startGateways(ctx context.Context) error {
	if err := s.writeIssuers(); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("config", "page-token.key"), []byte(s.secrets.PageTokenKey+"\n"), 0o600); err != nil {
		return err
	}
	for i := range s.cfg.Replicas {
		if err := s.startGateway(ctx, i); err != nil {
			return err
		}
	}
	s.say("  gateway ×%d: REST %s, gRPC %s", s.cfg.Replicas, s.gateways[0].URL, s.gateways[0].Address)
	return nil
}

func (s *Stack) startGateway(ctx context.Context, i int) error {
	rest, err := portOr(i == 0, s.cfg.RESTPort)
	if err != nil {
		return err
	}
	grpc, err := portOr(i == 0, s.cfg.GRPCPort)
	if err != nil {
		return err
	}
	ops, err := FreePort()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("gateway-%d", i+1)
	env := s.commonEnv("gateway", name, ops)
	certs := s.path("certs")
	maps.Copy(env, map[string]string{
		"DCR_LISTEN_REST":         loopback(rest),
		"DCR_LISTEN_GRPC":         loopback(grpc),
		"DCR_PUBLIC_TLS_CERT":     devcert.CertFile(certs, devcert.PublicName),
		"DCR_PUBLIC_TLS_KEY":      devcert.KeyFile(certs, devcert.PublicName),
		"DCR_ISSUERS_FILE":        s.path("config", "issuers.json"),
		"DCR_PAGE_TOKEN_KEY_FILE": s.path("config", "page-token.key"),
		"DCR_IDENTITY_TARGET":     s.target("identity-svc"),
		"DCR_OPTOUT_TARGET":       s.target("optout-svc"),
		"DCR_RECORD_TARGET":       s.target("record-svc"),
		"DCR_AUDIT_TARGET":        s.target("audit-svc"),
	})
	maps.Copy(env, s.cfg.Env["gateway"])
	if err := s.start(ctx, "gateway", name, ops, env); err != nil {
		return err
	}
	s.gateways = append(s.gateways, Gateway{URL: "https://" + loopback(rest), Address: loopback(grpc)})
	return nil
}

// portOr is the wanted port for the first replica, and a free one for all others.
func portOr(first bool, wanted int) (int, error) {
	if first && wanted != 0 {
		return wanted, nil
	}
	return FreePort()
}

// writeIssuers tells the gateway which issuers it trusts: the demonstration issuer alone.
func (s *Stack) writeIssuers() error {
	text, err := json.MarshalIndent(map[string]any{"issuers": []map[string]any{{
		"issuer":        s.issuer.URL,
		"audience":      issuer.DefaultAudience,
		"ca_file":       s.CAFile(),
		"demonstration": true,
		"kinds":         []string{"staff", "system"},
		"organisations": []string{"*"},
		"role_codes":    []string{"*"},
	}}}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("config", "issuers.json"), append(text, '\n'), 0o600)
}
