package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// StaffFile is the access token of a member of staff in a file, which may be renewed while dcrctl runs.
type StaffFile string

// Token reads the file anew each time.
func (f StaffFile) Token(context.Context, bool) (string, error) {
	text, err := os.ReadFile(string(f))
	if err != nil {
		return "", fmt.Errorf("read the access token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", errors.New("the file of the access token holds something else")
	}
	return token, nil
}

// StaffToken is a token that lives as long as the one-command run.
type StaffToken string

// Token gives it.
func (t StaffToken) Token(context.Context, bool) (string, error) { return string(t), nil }

// StaffToken is the token of the first member of staff with that role code.
func (s *Stack) StaffToken(roleCode string) (StaffToken, error) {
	for _, m := range s.Staff {
		if m.RoleCode == roleCode && m.Token != "" {
			return StaffToken(m.Token), nil
		}
	}
	return "", fmt.Errorf("stack.json names nobody with role %s", roleCode)
}
