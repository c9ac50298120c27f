package mtls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"go.opentelemetry.io/otel/metric"
)

// ErrNoName is returned for a connection whose peer showed no usable name.
var ErrNoName = errors.New("the peer has no name in the trust domain")

// Server is the configuration of a listener: TLS 1.3 only, a client
// certificate of the trust domain is required.
func (s *Source) Server() *tls.Config {
	c := tlsconfig.MTLSServerConfig(s, s, tlsconfig.AuthorizeMemberOf(s.td))
	c.MinVersion = tls.VersionTLS13
	// A resumed session would skip the check of the client's certificate, and
	// so outlive its expiry and a rotation of the authorities.
	c.SessionTicketsDisabled = true
	return c
}

// Client is the configuration for connections to servers of one of peerNames.
// Without a name it accepts no server.
func (s *Source) Client(peerNames ...string) *tls.Config {
	c := tlsconfig.MTLSClientConfig(s, s, tlsconfig.AdaptMatcher(s.oneOf(peerNames)))
	c.MinVersion = tls.VersionTLS13
	return c
}

// PeerName is the name of the peer of an established connection. It is
// ErrNoName when the peer showed none; the chain was checked by the handshake.
func (s *Source) PeerName(state tls.ConnectionState) (string, error) {
	if len(state.PeerCertificates) == 0 {
		return "", ErrNoName
	}
	id, err := x509svid.IDFromCert(state.PeerCertificates[0])
	if err != nil || !id.MemberOf(s.td) || id.Path() == "" {
		return "", ErrNoName
	}
	return nameOf(id), nil
}

// Instrument exports when the certificate expires and how often new files
// could not be used. A process that asks twice still exports them once.
func (s *Source) Instrument(meter metric.Meter) (err error) {
	s.instrumented.Do(func() { err = s.instrument(meter) })
	return err
}

func (s *Source) instrument(meter metric.Meter) error {
	expiry, err1 := meter.Float64ObservableGauge("dcr.tls.certificate.not_after",
		metric.WithUnit("s"), metric.WithDescription("When the certificate in force expires, in seconds since 1970."))
	failures, err2 := meter.Int64ObservableCounter("dcr.tls.reload.failures",
		metric.WithDescription("Looks at changed TLS files that could not be used."))
	observe := func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(expiry, float64(s.NotAfter().Unix()))
		o.ObserveInt64(failures, s.ReloadFailures())
		return nil
	}
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("instrument identity: %w", err)
	}
	if _, err := meter.RegisterCallback(observe, expiry, failures); err != nil {
		return fmt.Errorf("instrument identity: %w", err)
	}
	return nil
}

func (s *Source) oneOf(names []string) spiffeid.Matcher {
	return func(id spiffeid.ID) error {
		for _, name := range names {
			if id.MemberOf(s.td) && nameOf(id) == name {
				return nil
			}
		}
		return fmt.Errorf("peer %s is not one of %v", id, names)
	}
}

func nameOf(id spiffeid.ID) string { return strings.TrimPrefix(id.Path(), "/") }
