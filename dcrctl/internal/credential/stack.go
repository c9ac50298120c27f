package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// Stack is what stack.json of the one-command run says about partners' systems and staff.
type Stack struct {
	GatewayURL string `json:"gateway_url"`
	CAFile     string `json:"ca_file"`
	Systems    []struct {
		ODSCode string `json:"ods_code"`
		Token   string `json:"token"`
	} `json:"systems"`
	Staff []struct {
		RoleCode string `json:"role_code"`
		Token    string `json:"token"`
	} `json:"staff"`
}

// ReadStack reads stack.json.
func ReadStack(path string) (*Stack, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the stack's file (does `make run` run?): %w", err)
	}
	s := &Stack{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("%s is no stack.json", path)
	}
	if s.GatewayURL == "" || len(s.Systems) == 0 {
		return nil, errors.New("stack.json names no gateway or no systems")
	}
	return s, nil
}

// Token is the organisation's token, which lives as long as the stack.
func (s *Stack) Token(_ context.Context, odsCode string, _ bool) (string, error) {
	for _, system := range s.Systems {
		if system.ODSCode == odsCode && system.Token != "" {
			return system.Token, nil
		}
	}
	return "", ErrNoToken
}
