package edge

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the address ranges of reverse proxies that are trusted to say for
// whom they speak. Without any, X-Forwarded-For is not read.
type Proxies []netip.Prefix

// ParseProxies reads ranges such as "10.0.0.0/8". It fails on anything else.
func ParseProxies(ranges []string) (Proxies, error) {
	var all Proxies
	for _, text := range ranges {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("trusted proxies: %q is no address range", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// client is the address of the caller: the peer's, or, where the peer is a
// trusted proxy, the last address in X-Forwarded-For that is not one. What stands
// before that was written by the caller and proves nothing.
func (p Proxies) client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trusts(addr); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = next
	}
	return addr.Unmap().WithZone("").String()
}

func (p Proxies) trusts(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}
