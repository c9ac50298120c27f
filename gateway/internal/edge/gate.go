package edge

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const (
	typeJSON = "application/json"
	typeFHIR = "application/fhir+json"
	typeForm = "application/x-www-form-urlencoded"

	// maxBody of an ordinary call; maxBundle of a bundle (issue 2, section 3);
	// maxDocument of a scan that is kept with an opt-out (docs/opt-out.md).
	maxBody     = 1 << 20
	maxBundle   = 16 << 20
	maxDocument = 10 << 20
	// maxPublic of a form that anybody may send.
	maxPublic = 64 << 10
	// maxForm of a FHIR search whose parameters are in its body.
	maxForm = 64 << 10
)

// documentTypes are what a scan may be called. They are not believed: who keeps
// it looks at its bytes.
func documentTypes() []string {
	return []string{"application/pdf", "image/png", "image/jpeg", "image/tiff"}
}

// gate stands between the route that grpc-gateway matched and the code that it
// generated, and refuses what that code would let through: unknown fields and
// query parameters, trailing data, other content types, bodies without end, and
// a body that contradicts the path.
type gate struct {
	routes table
	public *throttle.Throttle
}

func (g gate) handler(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, path map[string]string) {
		found, ok := g.routes.match(r)
		if !ok {
			// A route of grpc-gateway that the contract does not have.
			writeProblem(w, r, refuse(http.StatusInternalServerError, fault.Internal(errors.New("route without a rule"))))
			return
		}
		visitOf(r.Context()).enter(found)
		if found.public {
			if wait, ok := g.public.Allow(visitOf(r.Context()).origin.ClientAddress); !ok {
				writeProblem(w, r, problemOf(access.RateLimited(wait)))
				return
			}
		}
		if err := found.check(w, r, path); err != nil {
			writeProblem(w, r, problemOf(err))
			return
		}
		if found.public {
			// Only now: eight callers who send slowly would have all places.
			leave, wait, ok := g.public.Place()
			if !ok {
				writeProblem(w, r, problemOf(access.RateLimited(wait)))
				return
			}
			defer leave()
			r = r.WithContext(pipeline.WithinAllowance(r.Context()))
		}
		next(w, r, path)
	}
}

func (t table) match(r *http.Request) (*route, bool) {
	pattern, ok := runtime.HTTPPattern(r.Context())
	if !ok {
		return nil, false
	}
	found, ok := t[key(r.Method, pattern.String())]
	return found, ok
}

// check refuses, or leaves the request with a body that was read and found good.
func (rt *route) check(w http.ResponseWriter, r *http.Request, path map[string]string) error {
	if err := rt.checkQuery(r.URL.RawQuery, path); err != nil {
		return err
	}
	if rt.body == "" {
		if hasBody(r) {
			return refuse(http.StatusBadRequest, fault.Invalid(reasonBody, "", "this call takes no body"))
		}
		r.Body = &buffered{}
		return nil
	}
	if !rt.open && r.Header.Get("Authorization") == "" {
		// The chain refuses it, and accounts for that; nobody unknown makes us
		// read 16 MiB first.
		r.Body = &buffered{}
		return nil
	}
	return rt.takeBody(w, r, path)
}

func (rt *route) takeBody(w http.ResponseWriter, r *http.Request, path map[string]string) error {
	if err := rt.checkType(r); err != nil {
		return err
	}
	body, err := read(w, r, rt.limit())
	if err != nil {
		return err
	}
	r.Body = &buffered{data: body, mediaType: rt.mediaType(r)}
	if rt.raw() {
		return nil
	}
	if len(body) == 0 {
		body = []byte("{}") // a POST without a body asks with no more than its path
	}
	return checkJSON(body, rt.bodyMessage(), path)
}

func (rt *route) limit() int64 {
	switch {
	case rt.form():
		return maxForm
	case rt.raw() && rt.fhir():
		return maxBundle
	case rt.raw():
		return maxDocument
	case rt.public:
		return maxPublic
	}
	return maxBody
}

// checkType accepts JSON in UTF-8 alone. No type at all is accepted where there
// is no body either.
func (rt *route) checkType(r *http.Request) error {
	if r.Header.Get("Content-Type") == "" && !hasBody(r) && !rt.raw() {
		return nil
	}
	got, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := params["charset"]
	wrong := err != nil || (charset != "" && !strings.EqualFold(charset, "utf-8"))
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		wrong = true
	}
	if wrong || !slices.Contains(rt.types(), got) || len(r.Header.Values("Content-Type")) > 1 {
		return refuse(http.StatusUnsupportedMediaType, fault.Invalid(reasonContentType, "", "the body must be "+rt.wanted()))
	}
	return nil
}

// types that the body of a call may have.
func (rt *route) types() []string {
	switch {
	case rt.form():
		return []string{typeForm}
	case rt.raw() && rt.fhir():
		return []string{typeFHIR, typeJSON}
	case rt.raw():
		return documentTypes()
	}
	return []string{typeJSON}
}

// mediaType of a body that is passed on as bytes. A bundle is FHIR however it is called.
func (rt *route) mediaType(r *http.Request) string {
	if rt.fhir() {
		return typeFHIR
	}
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "" // checkType has refused it already
	}
	return got
}

func (rt *route) wanted() string {
	if rt.raw() && !rt.fhir() {
		return "one of " + strings.Join(rt.types(), ", ") + ", without compression"
	}
	return rt.types()[0] + " in UTF-8, without compression"
}

func hasBody(r *http.Request) bool { return r.ContentLength != 0 }

// read takes the body up to its limit, and not a byte more.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	tooLarge := refuse(http.StatusRequestEntityTooLarge,
		fault.Invalid(reasonTooLarge, "", "the body is larger than this call takes").With("limit_bytes", bytesText(limit)))
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	var body []byte
	var err error
	capped := http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength > 0 {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(capped, body)
	} else {
		body, err = io.ReadAll(capped)
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge
	case err != nil:
		return nil, refuse(http.StatusBadRequest, fault.Invalid(reasonRead, "", "the body ended before its length"))
	}
	return body, nil
}
