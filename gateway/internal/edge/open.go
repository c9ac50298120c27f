package edge

import (
	"io"
	"net/http"
	"strings"

	contract "github.com/dorsetcarerecord/dcr/proto"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// open answers the few paths that hold no data of anybody and are no RPCs. They
// stay outside the bound on calls: a busy process still answers its probes.
func open(ready *telemetry.Readiness, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer http.HandlerFunc
		switch r.URL.Path {
		case "/openapi.json":
			answer = openAPI
		case "/livez":
			answer = alive
		case "/readyz":
			answer = readyz(ready)
		default:
			next.ServeHTTP(w, r)
			return
		}
		visitOf(r.Context()).template = r.URL.Path
		if r.Method != http.MethodGet {
			notAllowed(w, r, http.MethodGet)
			return
		}
		answer(w, r)
	})
}

func openAPI(w http.ResponseWriter, _ *http.Request) {
	writeBytes(w, http.StatusOK, typeJSON, contract.OpenAPI)
}

func alive(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }

func readyz(ready *telemetry.Readiness) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		failing := ready.Failing(r.Context())
		if len(failing) == 0 {
			plain(w, http.StatusOK, "ok")
			return
		}
		w.Header().Set("Retry-After", retryAfter)
		plain(w, http.StatusServiceUnavailable, "not ready: "+strings.Join(failing, ", "))
	}
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	// A probe that went away needs no answer.
	_, _ = io.WriteString(w, text+"\n")
}

func notAllowed(w http.ResponseWriter, r *http.Request, methods ...string) {
	w.Header().Set("Allow", strings.Join(methods, ", "))
	writeProblem(w, r, refuse(http.StatusMethodNotAllowed,
		fault.Invalid(reasonMethod, "", "this path does not take this method")))
}
