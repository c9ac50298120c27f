package authn

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const (
	// maxToken is longer than any token that we would accept, in bytes.
	maxToken = 16 << 10
	// leeway is how far the issuer's clock and ours may differ.
	leeway = 30 * time.Second
)

// Refusal says which check a token failed. It is for the log and never for the
// caller, whom it would only help to forge a better one.
type Refusal struct {
	// Check that failed, in fixed words.
	Check string
}

// Error is the failed check.
func (r *Refusal) Error() string { return "the token is refused: " + r.Check }

func refuse(check string) error { return &Refusal{Check: check} }

// ErrUnavailable says that a token cannot be checked now, since the keys of
// its issuer cannot be had.
var ErrUnavailable = errors.New("the issuer's keys cannot be had")

// Verifier verifies bearer tokens of the trusted issuers.
type Verifier struct {
	now     func() time.Time
	log     *slog.Logger
	issuers map[string]*trusted
	// algorithms of all issuers together.
	algorithms []jose.SignatureAlgorithm
	memo       memo
}

// trusted is one issuer at work.
type trusted struct {
	Issuer
	ring       *keyring
	algorithms []jose.SignatureAlgorithm
}

// New makes a verifier. It asks no issuer for anything yet: one that cannot be
// reached must not keep the gateway from starting. Its tokens are refused
// until it can.
func New(c Config, log *slog.Logger, now func() time.Time) (*Verifier, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	v := &Verifier{now: now, log: log, issuers: map[string]*trusted{}}
	for _, i := range c.Issuers {
		i = i.withDefaults()
		s, err := newSource(i)
		if err != nil {
			return nil, err
		}
		t := &trusted{Issuer: i, ring: newKeyring(s, now)}
		for _, a := range i.Algorithms {
			t.algorithms = append(t.algorithms, jose.SignatureAlgorithm(a))
		}
		v.algorithms = append(v.algorithms, t.algorithms...)
		v.issuers[i.URL] = t
	}
	return v, nil
}

// Run keeps the issuers' keys current until ctx ends.
func (v *Verifier) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, t := range v.issuers {
		all.Go(func() {
			t.ring.refresh(ctx, func(err error) {
				v.log.WarnContext(ctx, "issuer's keys could not be read", "issuer", t.URL, "cause", fault.Trail(err))
			})
		})
	}
	all.Wait()
}

// Ready tells whether the keys of every issuer are at hand.
func (v *Verifier) Ready() bool {
	for _, t := range v.issuers {
		if !t.ring.ready() {
			return false
		}
	}
	return true
}

// MaySpeakFor tells whether an issuer may speak for an organisation. Staff
// tokens are checked by Verify; a system's organisation is only known later.
func (v *Verifier) MaySpeakFor(issuer, odsCode string) bool {
	t := v.issuers[issuer]
	return t != nil && matches(t.Organisations, odsCode)
}

// Verify checks a bearer token and says whose it is. It fails with a Refusal,
// or with ErrUnavailable when the token cannot be checked now.
func (v *Verifier) Verify(ctx context.Context, token string) (Caller, error) {
	if len(token) > maxToken {
		return Caller{}, refuse("length")
	}
	digest := sha256.Sum256([]byte(token))
	if k, ok := v.memo.find(digest); ok && k.stands(ctx) {
		if err := k.inTime(v.now()); err != nil {
			return Caller{}, err
		}
		return k.caller, nil
	}
	k, err := v.check(ctx, token)
	if err != nil {
		return Caller{}, err
	}
	v.memo.keep(digest, k)
	return k.caller, nil
}

// check checks a token in full.
func (v *Verifier) check(ctx context.Context, token string) (known, error) {
	t, keyID, err := v.issuerOf(token)
	if err != nil {
		return known{}, err
	}
	key, err := t.ring.key(ctx, keyID)
	if errors.Is(err, errUnknownKey) {
		return known{}, refuse("key")
	}
	if err != nil {
		return known{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	// The library checks signature, issuer, audience and expiry, which it
	// compares with a clock that runs behind by the leeway.
	verified, err := oidc.NewVerifier(t.URL, snapshot{key, t.algorithms}, &oidc.Config{
		ClientID: t.Audience, SupportedSigningAlgs: t.Algorithms,
		Now: func() time.Time { return v.now().Add(-leeway) },
	}).Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired):
		return known{}, refuse("expiry")
	case err != nil:
		return known{}, refuse("signature or audience")
	}
	var raw map[string]json.RawMessage
	if err := verified.Claims(&raw); err != nil {
		return known{}, refuse("claims")
	}
	said := claims{raw}
	who, err := t.caller(verified, said, v.now())
	if err != nil {
		return known{}, err
	}
	return known{issuer: t, keyID: keyID, key: key, caller: who, notBefore: said.begin(), expires: verified.Expiry}, nil
}

// issuerOf reads, before anything is believed, who is said to have issued the
// token, and with which key.
func (v *Verifier) issuerOf(token string) (*trusted, string, error) {
	signed, err := jose.ParseSignedCompact(token, v.algorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, "", refuse("form or algorithm")
	}
	header := signed.Signatures[0].Protected
	if !accessTokenType(header.ExtraHeaders[jose.HeaderType]) {
		return nil, "", refuse("type")
	}
	var said struct {
		Issuer string `json:"iss"`
	}
	if err := json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &said); err != nil {
		return nil, "", refuse("form or algorithm")
	}
	t := v.issuers[said.Issuer]
	if t == nil {
		return nil, "", refuse("issuer")
	}
	if !slices.Contains(t.Algorithms, header.Algorithm) || header.KeyID == "" {
		return nil, "", refuse("form or algorithm")
	}
	return t, header.KeyID, nil
}

// accessTokenType accepts RFC 9068's type, and the plain or absent one of
// issuers that do not follow it. An ID token, which some mark in no other way,
// fails by its audience.
func accessTokenType(typ any) bool {
	if typ == nil {
		return true
	}
	name, ok := typ.(string)
	if !ok {
		return false
	}
	name = strings.ToLower(strings.TrimPrefix(strings.ToLower(name), "application/"))
	return name == "at+jwt" || name == "jwt"
}
