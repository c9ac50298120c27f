package rpc

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The parts of gRPC's service configuration that are used, as its JSON has
// them (grpc/proto/service_config).
type (
	policy struct {
		LoadBalancing []map[string]struct{} `json:"loadBalancingConfig"`
		HealthCheck   healthCheck           `json:"healthCheckConfig"`
		Methods       []methodPolicy        `json:"methodConfig,omitempty"`
	}
	healthCheck struct {
		ServiceName string `json:"serviceName"`
	}
	methodPolicy struct {
		Names []methodName `json:"name"`
		Retry retryPolicy  `json:"retryPolicy"`
	}
	methodName struct {
		Service string `json:"service"`
		Method  string `json:"method,omitempty"`
	}
	retryPolicy struct {
		MaxAttempts       int      `json:"maxAttempts"`
		InitialBackoff    string   `json:"initialBackoff"`
		MaxBackoff        string   `json:"maxBackoff"`
		BackoffMultiplier float64  `json:"backoffMultiplier"`
		Codes             []string `json:"retryableStatusCodes"`
	}
)

// serviceConfig spreads calls over all healthy replicas in turn and sends
// idempotent calls again, only when the answer was Unavailable.
func serviceConfig(idempotent []string) (string, error) {
	p := policy{LoadBalancing: []map[string]struct{}{{"round_robin": {}}}}
	var names []methodName
	for _, full := range idempotent {
		service, method, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
		if service == "" || strings.Contains(method, "/") {
			return "", fmt.Errorf("%q names no method", full)
		}
		names = append(names, methodName{Service: service, Method: method})
	}
	if len(names) > 0 {
		p.Methods = []methodPolicy{{Names: names, Retry: retryPolicy{
			MaxAttempts: 3, InitialBackoff: "0.05s", MaxBackoff: "0.5s", BackoffMultiplier: 2,
			Codes: []string{"UNAVAILABLE"},
		}}}
	}
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write service configuration: %w", err)
	}
	return string(b), nil
}
