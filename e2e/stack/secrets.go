package stack

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// secrets are made once for a folder and found again by the next run, so that data and tokens stay good.
type secrets struct {
	// RolePasswords by database role.
	RolePasswords map[string]string `json:"role_passwords"`
	// ClientSecrets by OAuth2 client.
	ClientSecrets map[string]string `json:"client_secrets"`
	// PageTokenKey of the gateway: the base64 of 32 random bytes.
	PageTokenKey string `json:"page_token_key"`
	// ControlSecret lets tests rotate the issuer's keys.
	ControlSecret string `json:"control_secret"`
	// IssuerPort stays the same, since staff are known by the issuer's URL.
	IssuerPort int `json:"issuer_port"`
}

// loadSecrets reads dir/secrets.json, or makes it, readable by its owner alone.
func loadSecrets(dir string, roles, clients []string) (*secrets, error) {
	path := filepath.Join(dir, "secrets.json")
	s := &secrets{RolePasswords: map[string]string{}, ClientSecrets: map[string]string{}}
	text, err := os.ReadFile(path)
	if err == nil {
		if err := json.Unmarshal(text, s); err != nil {
			return nil, fmt.Errorf("read %s (make clean starts afresh): %w", path, err)
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := s.complete(roles, clients); err != nil {
		return nil, err
	}
	return s, writePrivate(path, s)
}

// complete makes what is missing.
func (s *secrets) complete(roles, clients []string) (err error) {
	for _, r := range roles {
		if s.RolePasswords[r] == "" {
			s.RolePasswords[r] = rand.Text()
		}
	}
	for _, c := range clients {
		if s.ClientSecrets[c] == "" {
			s.ClientSecrets[c] = rand.Text()
		}
	}
	if s.PageTokenKey == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails: documented to crash instead
		s.PageTokenKey = base64.StdEncoding.EncodeToString(key)
	}
	if s.ControlSecret == "" {
		s.ControlSecret = rand.Text()
	}
	if s.IssuerPort == 0 {
		s.IssuerPort, err = FreePort()
	}
	return err
}

// writePrivate writes v as JSON, whole or not at all, readable by its owner alone.
func writePrivate(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
