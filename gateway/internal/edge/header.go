package edge

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// dropped headers steer grpc-gateway or the transport and are none of a
// client's business.
func dropped() []string {
	return []string{"Grpc-Timeout", "Grpc-Encoding", "Grpc-Accept-Encoding", "Te", "Trailer"}
}

// overrides are headers by which a client asks for another method than it uses.
func overrides() []string {
	return []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}
}

// harden sets what every answer carries, whatever it says: it is never stored,
// framed, sniffed or run.
func harden(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// keepable lets the one answer be kept that never changes and holds nothing of anybody: a tile of hashes.
func keepable(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	if visitOf(ctx).rpc == gatewayv1.LogService_GetTile_FullMethodName {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	return nil
}

// attached has what people sent and what was written to them kept as files: a browser that showed a scan would
// run what is in it.
func attached(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	switch visitOf(ctx).rpc {
	case gatewayv1.OptOutDocumentService_GetOptOutDocument_FullMethodName, gatewayv1.OptOutDocumentService_GetOptOutLetter_FullMethodName:
		w.Header().Set("Content-Disposition", "attachment")
	}
	return nil
}

// sift takes out of the headers what may go on, and removes what grpc-gateway
// would act on. All other headers stay in the request, and nobody reads them.
func sift(r *http.Request, v *visit) error {
	for _, name := range overrides() {
		if r.Header.Get(name) != "" {
			return badField(reasonOverride, name, "methods cannot be overridden")
		}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "Grpc-Metadata-") {
			r.Header.Del(name)
		}
	}
	for _, name := range dropped() {
		r.Header.Del(name)
	}
	sent := r.Header.Values("Authorization")
	if len(sent) > 1 {
		return refuse(http.StatusBadRequest, fault.Invalid(reasonHeader, "Authorization", "is sent twice"))
	}
	if len(sent) == 1 {
		v.authorization = sent[0]
	}
	return nil
}

// requestID is the caller's when it is a UUID, else a new one: anything else
// might be somebody's data, and it goes into logs.
func requestID(r *http.Request) uuid.UUID {
	if sent := r.Header.Values("X-Request-Id"); len(sent) == 1 {
		if id, err := uuid.Parse(sent[0]); err == nil && id != uuid.Nil {
			return id
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		// Only a machine without random numbers comes here; the call goes on
		// without an id of its own.
		return uuid.Nil
	}
	return id
}
