package rpc

import (
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc/resolver"
)

// staticBuilder resolves "static:///host:port,host:port" to these replicas,
// for stacks without a name service.
type staticBuilder struct{}

// Scheme is "static".
func (staticBuilder) Scheme() string { return "static" }

// Build reads the list; it never changes afterwards.
func (staticBuilder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	var state resolver.State
	for addr := range strings.SplitSeq(target.Endpoint(), ",") {
		if _, port, err := net.SplitHostPort(addr); err != nil || port == "" {
			return nil, fmt.Errorf("static target: %q is not host:port", addr)
		}
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr}}})
	}
	if err := cc.UpdateState(state); err != nil {
		return nil, fmt.Errorf("static target: %w", err)
	}
	return static{}, nil
}

type static struct{}

// ResolveNow finds nothing new.
func (static) ResolveNow(resolver.ResolveNowOptions) {}

// Close has nothing to close.
func (static) Close() {}
