package edge

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// eventHeader is the response header that names the audit event of the call.
const eventHeader = "Dcr-Event-Id"

// Config is what the REST side needs.
type Config struct {
	// Local is where calls go; the services are registered on it.
	Local *Local
	// Public keeps callers who are not signed in to an allowance, shared with the gRPC side.
	Public *throttle.Throttle
	// Limit of the calls under way, shared with the gRPC side.
	Limit *Limit
	// Proxies that are trusted about whom they speak for.
	Proxies Proxies
	// Telemetry gets the log, spans, metrics and says when the process is ready.
	Telemetry *telemetry.Telemetry
	// Now is the clock.
	Now func() time.Time
}

// exposed are the gRPC services of the contract.
func exposed() ([]protoreflect.ServiceDescriptor, error) {
	var all []protoreflect.ServiceDescriptor
	for _, name := range rules.Exposed() {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", name, err)
		}
		service, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			return nil, fmt.Errorf("find %s: it is no service", name)
		}
		all = append(all, service)
	}
	return all, nil
}

// NewHandler is the whole REST side. It fails when an RPC has no REST binding.
func NewHandler(cfg Config) (http.Handler, error) {
	services, err := exposed()
	if err != nil {
		return nil, err
	}
	found, err := routes(services)
	if err != nil {
		return nil, err
	}
	watch, err := newObserver(cfg.Telemetry, cfg.Limit, cfg.Now)
	if err != nil {
		return nil, err
	}
	mux := newMux(found, gate{found, cfg.Public})
	if err := register(mux, cfg.Local); err != nil {
		return nil, fmt.Errorf("register REST routes: %w", err)
	}
	begin := func(r *http.Request) *visit {
		return &visit{requestID: requestID(r), origin: pipeline.Origin{
			Surface: pipeline.SurfaceREST, ClientAddress: cfg.Proxies.client(r),
		}}
	}
	return watch.handler(guard(open(cfg.Telemetry.Readiness, cfg.Limit.handler(mux))), begin), nil
}

// guard sets the headers of every answer and sifts those of the request.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visitOf(r.Context())
		harden(w.Header())
		w.Header().Set("X-Request-Id", v.requestID.String())
		if err := sift(r, v); err != nil {
			writeProblem(w, r, problemOf(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// newMux is grpc-gateway with its defaults closed.
func newMux(found table, before gate) *runtime.ServeMux {
	nothing := func(string) (string, bool) { return "", false }
	return runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, codec{}),
		runtime.WithIncomingHeaderMatcher(nothing),
		runtime.WithOutgoingTrailerMatcher(nothing),
		runtime.WithOutgoingHeaderMatcher(func(name string) (string, bool) {
			return eventHeader, name == "dcr-event-id"
		}),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithWriteContentLength(),
		runtime.WithMiddlewares(before.handler),
		runtime.WithForwardResponseOption(keepable),
		runtime.WithForwardResponseOption(attached),
		runtime.WithErrorHandler(handleError),
		runtime.WithRoutingErrorHandler(found.handleRouting),
	)
}

// register binds every service of the contract; a test finds one that is missing.
func register(mux *runtime.ServeMux, local *Local) error {
	ctx := context.Background()
	for _, bind := range []func() error{
		func() error {
			return gatewayv1.RegisterAccessHistoryServiceHandlerClient(ctx, mux, gatewayv1.NewAccessHistoryServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterFhirAuditServiceHandlerClient(ctx, mux, gatewayv1.NewFhirAuditServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterAuditServiceHandlerClient(ctx, mux, gatewayv1.NewAuditServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterCaseServiceHandlerClient(ctx, mux, gatewayv1.NewCaseServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterCareRelationshipServiceHandlerClient(ctx, mux, gatewayv1.NewCareRelationshipServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterFhirServiceHandlerClient(ctx, mux, gatewayv1.NewFhirServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterLogServiceHandlerClient(ctx, mux, gatewayv1.NewLogServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterMeServiceHandlerClient(ctx, mux, gatewayv1.NewMeServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterMergeServiceHandlerClient(ctx, mux, gatewayv1.NewMergeServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterOptOutServiceHandlerClient(ctx, mux, gatewayv1.NewOptOutServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterOptOutDocumentServiceHandlerClient(ctx, mux, gatewayv1.NewOptOutDocumentServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterOptOutImportServiceHandlerClient(ctx, mux, gatewayv1.NewOptOutImportServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterPublicOptOutServiceHandlerClient(ctx, mux, gatewayv1.NewPublicOptOutServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterOrganisationServiceHandlerClient(ctx, mux, gatewayv1.NewOrganisationServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterPatientServiceHandlerClient(ctx, mux, gatewayv1.NewPatientServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterRecordServiceHandlerClient(ctx, mux, gatewayv1.NewRecordServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterStaffServiceHandlerClient(ctx, mux, gatewayv1.NewStaffServiceClient(local))
		},
		func() error {
			return gatewayv1.RegisterUndecidedServiceHandlerClient(ctx, mux, gatewayv1.NewUndecidedServiceClient(local))
		},
	} {
		if err := bind(); err != nil {
			return err
		}
	}
	return nil
}

// handleError answers with the error of a call.
func handleError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
	if md, ok := runtime.ServerMetadataFromContext(ctx); ok {
		if id := md.HeaderMD.Get("dcr-event-id"); len(id) == 1 {
			w.Header().Set(eventHeader, id[0])
		}
	}
	if answer := visitOf(r.Context()).answer; answer != nil && answer.Body != nil {
		visitOf(r.Context()).reason = fault.ReasonOf(err)
		writeBytes(w, answer.Status, typeFHIR, answer.Body)
		return
	}
	writeProblem(w, r, problemOf(err))
}

// handleRouting answers where no route is, or none for the method. HEAD and
// OPTIONS have none: a HEAD would be a disclosure that nobody sees, and no
// other origin is to call this from a browser.
func (t table) handleRouting(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	switch code {
	case http.StatusMethodNotAllowed:
		notAllowed(w, r, t.methods(r.URL.Path)...)
	case http.StatusBadRequest:
		writeProblem(w, r, badField(reasonPath, "", "this is no path"))
	default:
		writeProblem(w, r, refuse(http.StatusNotFound, fault.NotFound(reasonNotFound, "there is nothing at this path")))
	}
}

// methods that some route of this path takes, sorted.
func (t table) methods(path string) []string {
	var all []string
	for _, r := range t {
		if r.matches(path) && !slices.Contains(all, r.method) {
			all = append(all, r.method)
		}
	}
	slices.Sort(all)
	return all
}
