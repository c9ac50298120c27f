package issuer

import (
	"encoding/json"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// metadata is the library's discovery document with the mark of a demonstration issuer.
type metadata struct {
	*oidc.DiscoveryConfiguration
	Demonstration bool `json:"dcr_demonstration"`
}

// discover answers with what is really served: the library's own document also lists grants and endpoints that are
// switched off here.
func (i *Issuer) discover(provider *op.Provider) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := op.ContextWithIssuer(r.Context(), i.config.URL)
		document := op.CreateDiscoveryConfig(ctx, provider, i.store)
		document.IntrospectionEndpoint = ""
		document.IntrospectionEndpointAuthMethodsSupported = nil
		document.RevocationEndpoint = ""
		document.RevocationEndpointAuthMethodsSupported = nil
		document.EndSessionEndpoint = ""
		document.DeviceAuthorizationEndpoint = ""
		document.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
		document.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeClientCredentials}
		document.ScopesSupported = []string{oidc.ScopeOpenID, oidc.ScopeProfile}
		document.ClaimsSupported = supportedClaims()
		text, err := json.Marshal(metadata{DiscoveryConfiguration: document, Demonstration: true})
		if err != nil {
			i.config.Log.Error("encode discovery document", "error", err)
			http.Error(w, "no discovery document", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		// An error means that the caller has gone: there is nobody to tell.
		w.Write(text)
	}
}
