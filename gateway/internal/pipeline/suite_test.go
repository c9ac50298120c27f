package pipeline_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
	"github.com/dorsetcarerecord/dcr/gateway/internal/testissuer"
	"github.com/dorsetcarerecord/dcr/gateway/internal/throttle"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

const (
	person  = "9990002673"
	staffID = "5c1a4b1e-0000-4000-8000-000000000001"
)

// body is what the record handler answers.
var body = []byte(`{"record":"of somebody"}`)

// suite is a gateway's chain in front of test handlers, with fakes of the three
// services behind real connections.
type suite struct {
	t        *testing.T
	diary    *diary
	issuer   *testissuer.Issuer
	identity *identity
	optout   *optout
	audit    *audit
	log      *syncBuffer
	pipeline *pipeline.Pipeline
	conn     *grpc.ClientConn

	mu     sync.Mutex
	handle func(context.Context, *pipeline.Call) error
}

// newSuite is a suite in which a paramedic may see a person by an episode.
func newSuite(t *testing.T, change ...func(*pipeline.Config)) *suite {
	t.Helper()
	s := &suite{t: t, diary: &diary{}, issuer: testissuer.New(t), log: &syncBuffer{}}
	s.identity = &identity{diary: s.diary, staff: paramedic(episode()), system: system()}
	s.optout = &optout{diary: s.diary, choices: map[string]*optoutv1.GetChoiceResponse{}}
	s.audit = &audit{diary: s.diary}
	s.handle = func(_ context.Context, c *pipeline.Call) error {
		c.Release(&auditv1.Disclosure{Sections: c.Decision.Sections, Entries: 3, SourceOdsCodes: []string{"R0D"}})
		return nil
	}
	conn := s.services()
	policy, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := rules.New(policy, rules.Exposed()...)
	if err != nil {
		t.Fatal(err)
	}
	public, err := throttle.New(throttle.Limits{PerMinute: 1000, PerSecond: 1000}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	cfg := pipeline.Config{
		Rules: registry, Policy: policy, Tokens: s.issuer.Verifier(), Public: public, Identity: conn, OptOut: conn, Audit: conn,
		Log: slog.New(slog.NewJSONHandler(s.log, nil)), AuditTry: time.Second, AuditLimit: 2500 * time.Millisecond,
		FactsLimit: 2 * time.Second,
	}
	for _, f := range change {
		f(&cfg)
	}
	if s.pipeline, err = pipeline.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.conn = s.gateway()
	return s
}

// services are the fakes, behind mTLS and the chain that production has.
func (s *suite) services() *grpc.ClientConn {
	dir := testkit.Certs(s.t, "gateway", "suite")
	callers := map[string][]string{}
	for _, name := range []string{
		identityv1.FactsService_ServiceDesc.ServiceName, optoutv1.ChoiceService_ServiceDesc.ServiceName,
		auditv1.AppendService_ServiceDesc.ServiceName,
	} {
		callers[name] = []string{"gateway"}
	}
	address := testkit.Serve(s.t, dir, "suite", callers, func(r grpc.ServiceRegistrar) {
		identityv1.RegisterFactsServiceServer(r, s.identity)
		optoutv1.RegisterChoiceServiceServer(r, s.optout)
		auditv1.RegisterAppendServiceServer(r, s.audit)
	}, nil)
	return testkit.Dial(s.t, dir, "gateway", "suite", address)
}

// gateway serves the test handlers behind the chain.
func (s *suite) gateway() *grpc.ClientConn {
	server := grpc.NewServer(grpc.UnaryInterceptor(s.pipeline.Unary()))
	gatewayv1.RegisterRecordServiceServer(server, &records{suite: s})
	gatewayv1.RegisterPatientServiceServer(server, &patients{suite: s})
	gatewayv1.RegisterFhirServiceServer(server, &fhir{suite: s})
	gatewayv1.RegisterMeServiceServer(server, &me{suite: s})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = conn.Close()
		server.GracefulStop()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	return conn
}

// handler is what the test wants a handler to do.
func (s *suite) handler(handle func(context.Context, *pipeline.Call) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = handle
}

func (s *suite) handled(ctx context.Context) error {
	s.diary.add("handler")
	s.mu.Lock()
	handle := s.handle
	s.mu.Unlock()
	return handle(ctx, pipeline.From(ctx))
}

// as is a context that carries a token.
func (s *suite) as(token string) context.Context {
	return metadata.AppendToOutgoingContext(s.t.Context(), "authorization", "Bearer "+token)
}

func (s *suite) paramedic() context.Context { return s.as(s.issuer.Signed(s.issuer.StaffClaims(nil))) }
func (s *suite) system() context.Context    { return s.as(s.issuer.Signed(s.issuer.SystemClaims(nil))) }

// view asks for the record, as the main job does.
func (s *suite) view(ctx context.Context, opts ...grpc.CallOption) (*gatewayv1.GetRecordResponse, error) {
	answer, err := gatewayv1.NewRecordServiceClient(s.conn).GetRecord(ctx, &gatewayv1.GetRecordRequest{NhsNumber: person}, opts...)
	s.diary.add("answer")
	return answer, err
}

// refused wants an error with that reason, and no answer.
func refused(t *testing.T, answer interface{ String() string }, err error, reason string) {
	t.Helper()
	if err == nil || fault.ReasonOf(err) != reason {
		t.Errorf("got %v %q, want %s", status.Code(err), fault.ReasonOf(err), reason)
	}
}

func episode() *identityv1.CareRelationship {
	return &identityv1.CareRelationship{
		Id: "rel-1", NhsNumber: person, Kind: identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE, OdsCode: "RYF", Active: true,
		EndsAt: timestamppb.New(time.Now().Add(time.Hour)),
	}
}

func paramedic(relationships ...*identityv1.CareRelationship) *identityv1.GetStaffFactsResponse {
	return &identityv1.GetStaffFactsResponse{
		Staff: &identityv1.StaffFacts{
			StaffId: staffID, Name: "Pat Purbeck", Active: true, RoleActive: true, OwnNhsNumberKnown: true,
			Organisation: &identityv1.Organisation{
				OdsCode: "RYF", Name: "South Western Ambulance Service", Kind: identityv1.OrganisationKind_ORGANISATION_KIND_AMBULANCE_TRUST,
				State: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
			},
		},
		Patient:       &identityv1.PatientFacts{NhsNumber: person},
		Relationships: relationships,
	}
}

func system() *identityv1.GetSystemFactsResponse {
	return &identityv1.GetSystemFactsResponse{Active: true, Organisation: &identityv1.Organisation{
		OdsCode: "RYF", State: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
	}}
}

type records struct {
	gatewayv1.UnimplementedRecordServiceServer
	*suite
}

func (h *records) GetRecord(ctx context.Context, _ *gatewayv1.GetRecordRequest) (*gatewayv1.GetRecordResponse, error) {
	return &gatewayv1.GetRecordResponse{Body: &httpbody.HttpBody{ContentType: "application/json", Data: body}}, h.handled(ctx)
}

type patients struct {
	gatewayv1.UnimplementedPatientServiceServer
	*suite
}

func (h *patients) SearchPatients(ctx context.Context, _ *gatewayv1.SearchPatientsRequest) (*gatewayv1.SearchPatientsResponse, error) {
	return &gatewayv1.SearchPatientsResponse{Matches: []*gatewayv1.PatientMatch{{NhsNumber: person}}}, h.handled(ctx)
}

func (h *patients) BreakRestriction(ctx context.Context, _ *gatewayv1.BreakRestrictionRequest) (*gatewayv1.BreakRestrictionResponse, error) {
	return &gatewayv1.BreakRestrictionResponse{}, h.handled(ctx)
}

func (h *patients) GetPatient(ctx context.Context, _ *gatewayv1.GetPatientRequest) (*gatewayv1.GetPatientResponse, error) {
	return &gatewayv1.GetPatientResponse{}, h.handled(ctx)
}

func (h *patients) ExplainAccess(ctx context.Context, _ *gatewayv1.ExplainAccessRequest) (*gatewayv1.ExplainAccessResponse, error) {
	return &gatewayv1.ExplainAccessResponse{}, h.handled(ctx)
}

type fhir struct {
	gatewayv1.UnimplementedFhirServiceServer
	*suite
}

func (h *fhir) SubmitBundle(ctx context.Context, _ *gatewayv1.SubmitBundleRequest) (*gatewayv1.SubmitBundleResponse, error) {
	return &gatewayv1.SubmitBundleResponse{}, h.handled(ctx)
}

func (h *fhir) GetCapabilityStatement(ctx context.Context, _ *gatewayv1.GetCapabilityStatementRequest) (*gatewayv1.GetCapabilityStatementResponse, error) {
	return &gatewayv1.GetCapabilityStatementResponse{}, h.handled(ctx)
}

type me struct {
	gatewayv1.UnimplementedMeServiceServer
	*suite
}

func (h *me) GetMe(ctx context.Context, _ *gatewayv1.GetMeRequest) (*gatewayv1.GetMeResponse, error) {
	return &gatewayv1.GetMeResponse{StaffId: staffID}, h.handled(ctx)
}

// levels are the sections of a grant list, for comparing.
func levels(grants []*accessv1.SectionGrant) map[accessv1.Section]accessv1.Level {
	m := map[accessv1.Section]accessv1.Level{}
	for _, g := range grants {
		m[g.GetSection()] = g.GetLevel()
	}
	return m
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
