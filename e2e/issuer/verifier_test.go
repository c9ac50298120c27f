package issuer_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
)

// check verifies a token with the library that the gateway uses, so that what is called bad here is bad there.
func check(t *testing.T, b *bench, token, audience string) error {
	t.Helper()
	client := &http.Client{Transport: b.server.Client().Transport}
	ctx := oidc.ClientContext(context.WithoutCancel(t.Context()), client)
	provider, err := oidc.NewProvider(ctx, b.issuer.URL())
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.Verifier(&oidc.Config{
		ClientID: audience, SupportedSigningAlgs: []string{oidc.RS256}, Now: b.now,
	})
	_, err = verifier.Verify(ctx, token)
	return err
}
