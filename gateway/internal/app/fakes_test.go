package app

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// The people of these tests.
const (
	rich       = "9990002673" // has a relationship with the paramedic
	stranger   = "9990019576" // has none
	optedOut   = "9990072590" // has one, and opted out
	restricted = "9990088268" // has one, and is flagged sensitive
	unknown    = "9990097534" // nobody knows

	staffID = "0198a000-0000-7000-8000-000000000001"
	epoch   = "0198a000-0000-7000-8000-0000000000aa"
)

// behind is the four services behind the gateway, in memory: real gRPC servers
// over mutual TLS, with the caller lists of production. It records what it was
// asked, and fails where a test says so.
type behind struct {
	mu     sync.Mutex
	asked  []proto.Message
	events []*auditv1.Event
	// fail answers a method, by its full name, with an error.
	fail map[string]error
	// hold, when not nil, keeps record-svc's answers until it is closed; held
	// gets a value for each.
	hold, held chan struct{}
	// feed is what record-svc answers to a bundle.
	feed *recordv1.SubmitBundleResponse
	// record is the body of a record.
	record []byte
}

func (b *behind) note(m proto.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, proto.Clone(m))
}

// lastOf finds the last request of a type.
func lastOf[T proto.Message](t *testing.T, b *behind) T {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := len(b.asked) - 1; i >= 0; i-- {
		if m, ok := b.asked[i].(T); ok {
			return m
		}
	}
	var none T
	t.Fatalf("nobody asked for a %T", none)
	return none
}

// countOf counts requests of a type.
func countOf[T proto.Message](b *behind) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, m := range b.asked {
		if _, ok := m.(T); ok {
			n++
		}
	}
	return n
}

// accounted are the events with this action, in their order.
func (b *behind) accounted(action string) []*auditv1.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*auditv1.Event
	for _, e := range b.events {
		if e.GetAction() == action {
			all = append(all, e)
		}
	}
	return all
}

func (b *behind) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// failing stands in every fake: it records the request and fails on demand.
func (b *behind) failing(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if m, ok := req.(proto.Message); ok {
		b.note(m)
	}
	b.mu.Lock()
	err := b.fail[info.FullMethod]
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// wrapped registers services so that failing stands before their methods.
type wrapped struct {
	grpc.ServiceRegistrar
	b *behind
}

func (w wrapped) RegisterService(desc *grpc.ServiceDesc, impl any) {
	own := *desc
	own.Methods = nil
	for _, m := range desc.Methods {
		inner := m.Handler
		m.Handler = func(srv any, ctx context.Context, dec func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			return inner(srv, ctx, dec, func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				return chain(ctx, req, info, func(ctx context.Context, req any) (any, error) {
					return w.b.failing(ctx, req, info, next)
				})
			})
		}
		own.Methods = append(own.Methods, m)
	}
	w.ServiceRegistrar.RegisterService(&own, impl)
}

// start serves all four and gives their addresses by certificate name.
func (b *behind) start(t *testing.T, certs string) map[string]string {
	t.Helper()
	fakes := map[string]func(grpc.ServiceRegistrar){
		"identity-svc": func(r grpc.ServiceRegistrar) {
			identityv1.RegisterFactsServiceServer(r, &fakeFacts{})
			identityv1.RegisterPatientServiceServer(r, &fakePatients{})
			identityv1.RegisterRelationshipServiceServer(r, &fakeRelationships{})
			identityv1.RegisterDirectoryReadServiceServer(r, &fakeDirectory{})
			identityv1.RegisterDirectoryAdminServiceServer(r, &fakeAdmin{})
		},
		"optout-svc": func(r grpc.ServiceRegistrar) {
			optoutv1.RegisterChoiceServiceServer(r, &fakeChoice{})
			optoutv1.RegisterOptOutReadServiceServer(r, &fakeOptOuts{})
			optoutv1.RegisterOptOutWriteServiceServer(r, &fakeOptOutWrites{})
		},
		"record-svc": func(r grpc.ServiceRegistrar) {
			recordv1.RegisterReadServiceServer(r, &fakeRecords{b: b})
			recordv1.RegisterFeedServiceServer(r, &fakeFeeds{b: b})
			recordv1.RegisterFeedReadServiceServer(r, &fakeRefusals{})
		},
		"audit-svc": func(r grpc.ServiceRegistrar) {
			auditv1.RegisterAppendServiceServer(r, &fakeAppend{b: b})
			auditv1.RegisterQueryServiceServer(r, &fakeQuery{})
		},
	}
	addresses := map[string]string{}
	for peer, register := range fakes {
		names := &nameList{}
		register(names)
		callers := map[string][]string{}
		for _, name := range names.all {
			callers[name] = []string{name0}
		}
		addresses[peer] = testkit.Serve(t, certs, peer, callers,
			func(r grpc.ServiceRegistrar) { register(wrapped{r, b}) }, nil)
	}
	return addresses
}

// name0 is the certificate under which the gateway must call.
const name0 = "gateway"

// nameList collects the names of services.
type nameList struct{ all []string }

func (n *nameList) RegisterService(desc *grpc.ServiceDesc, _ any) {
	n.all = append(n.all, desc.ServiceName)
}

type fakeFacts struct {
	identityv1.UnimplementedFactsServiceServer
}

func participating(ods string) *identityv1.Organisation {
	return &identityv1.Organisation{
		OdsCode: ods, Name: "Organisation " + ods, ClientIds: []string{"client-" + ods}, Version: 3,
		Kind:  identityv1.OrganisationKind_ORGANISATION_KIND_AMBULANCE_TRUST,
		State: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
	}
}

func (*fakeFacts) GetStaffFacts(_ context.Context, req *identityv1.GetStaffFactsRequest) (*identityv1.GetStaffFactsResponse, error) {
	answer := &identityv1.GetStaffFactsResponse{Staff: &identityv1.StaffFacts{
		StaffId: staffID, Name: "Mary Anning", Active: true, RoleActive: true, OwnNhsNumberKnown: true,
		Organisation: participating(req.GetOdsCode()),
	}}
	n := req.GetNhsNumber()
	if n == "" || n == unknown {
		return answer, nil
	}
	answer.Patient = &identityv1.PatientFacts{NhsNumber: n, Restricted: n == restricted}
	if n != stranger {
		answer.Relationships = []*identityv1.CareRelationship{{
			Id: epoch, NhsNumber: n, OdsCode: req.GetOdsCode(), Active: true,
			Kind:   identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE,
			EndsAt: timestamppb.New(time.Now().Add(time.Hour)),
		}}
	}
	return answer, nil
}

func (*fakeFacts) GetSystemFacts(context.Context, *identityv1.GetSystemFactsRequest) (*identityv1.GetSystemFactsResponse, error) {
	return &identityv1.GetSystemFactsResponse{Organisation: participating("RYF"), Active: true}, nil
}

type fakePatients struct {
	identityv1.UnimplementedPatientServiceServer
}

func person(n string) *identityv1.Patient {
	return &identityv1.Patient{
		NhsNumber: n, FamilyName: "O'Brien-Núñez", GivenNames: []string{"<b>Ann</b>"}, BirthDate: "1980-02-29",
		Gender: "female", AddressLines: []string{"1 Secret Street"}, Postcode: "DT1 1AA", Telephones: []string{"01305 000000"},
		Gp: &identityv1.GpRegistration{OdsCode: "J81900"}, Restricted: n == restricted,
	}
}

func (*fakePatients) GetPatient(_ context.Context, req *identityv1.GetPatientRequest) (*identityv1.GetPatientResponse, error) {
	if req.GetNhsNumber() == unknown {
		return nil, fault.NotFound("PATIENT_NOT_FOUND", "nobody is known under this number")
	}
	return &identityv1.GetPatientResponse{Patient: person(req.GetNhsNumber())}, nil
}

func (*fakePatients) SearchPatients(_ context.Context, req *identityv1.SearchPatientsRequest) (*identityv1.SearchPatientsResponse, error) {
	if strings.HasPrefix(req.GetFamilyName(), "Smi") {
		return nil, fault.Exhausted("SEARCH_TOO_WIDE", "more detail is needed")
	}
	return &identityv1.SearchPatientsResponse{Patients: []*identityv1.Patient{person(rich), person(stranger)}}, nil
}

type fakeRelationships struct {
	identityv1.UnimplementedRelationshipServiceServer
}

func (*fakeRelationships) ListCareRelationships(context.Context, *identityv1.ListCareRelationshipsRequest) (*identityv1.ListCareRelationshipsResponse, error) {
	return &identityv1.ListCareRelationshipsResponse{CareRelationships: []*identityv1.CareRelationship{{Id: epoch}}}, nil
}

func (*fakeRelationships) DeclareCareRelationship(_ context.Context, req *identityv1.DeclareCareRelationshipRequest) (*identityv1.DeclareCareRelationshipResponse, error) {
	return &identityv1.DeclareCareRelationshipResponse{CareRelationship: &identityv1.CareRelationship{Id: epoch, Kind: req.GetKind()}}, nil
}

func (*fakeRelationships) EndCareRelationship(context.Context, *identityv1.EndCareRelationshipRequest) (*identityv1.EndCareRelationshipResponse, error) {
	return nil, fault.Precondition("NOT_ENDABLE", "it comes from a feed")
}

func (*fakeRelationships) BreakRestriction(context.Context, *identityv1.BreakRestrictionRequest) (*identityv1.BreakRestrictionResponse, error) {
	return &identityv1.BreakRestrictionResponse{BrokenUntil: timestamppb.Now()}, nil
}

type fakeDirectory struct {
	identityv1.UnimplementedDirectoryReadServiceServer
}

func (*fakeDirectory) ListOrganisations(_ context.Context, req *identityv1.ListOrganisationsRequest) (*identityv1.ListOrganisationsResponse, error) {
	if req.GetAfterOdsCode() == "R0D" {
		return &identityv1.ListOrganisationsResponse{Organisations: []*identityv1.Organisation{participating("RYF")}}, nil
	}
	return &identityv1.ListOrganisationsResponse{Organisations: []*identityv1.Organisation{participating("R0D")}, NextAfterOdsCode: "R0D"}, nil
}

func (*fakeDirectory) GetOrganisation(_ context.Context, req *identityv1.GetOrganisationRequest) (*identityv1.GetOrganisationResponse, error) {
	return &identityv1.GetOrganisationResponse{Organisation: participating(req.GetOdsCode())}, nil
}

func (*fakeDirectory) GetStaff(_ context.Context, req *identityv1.GetStaffRequest) (*identityv1.GetStaffResponse, error) {
	return &identityv1.GetStaffResponse{Staff: &identityv1.Staff{Id: req.GetId(), Name: "Mary", OwnNhsNumber: rich}}, nil
}

func (*fakeDirectory) ListStaff(context.Context, *identityv1.ListStaffRequest) (*identityv1.ListStaffResponse, error) {
	return &identityv1.ListStaffResponse{Staff: []*identityv1.Staff{{Id: staffID, OwnNhsNumber: rich}}}, nil
}

type fakeAdmin struct {
	identityv1.UnimplementedDirectoryAdminServiceServer
}

func (*fakeAdmin) UpdateOrganisation(_ context.Context, req *identityv1.UpdateOrganisationRequest) (*identityv1.UpdateOrganisationResponse, error) {
	return &identityv1.UpdateOrganisationResponse{Organisation: req.GetOrganisation()}, nil
}

func (*fakeAdmin) CreateStaff(_ context.Context, req *identityv1.CreateStaffRequest) (*identityv1.CreateStaffResponse, error) {
	return &identityv1.CreateStaffResponse{Staff: req.GetStaff()}, nil
}

type fakeChoice struct {
	optoutv1.UnimplementedChoiceServiceServer
}

func (*fakeChoice) GetChoice(_ context.Context, req *optoutv1.GetChoiceRequest) (*optoutv1.GetChoiceResponse, error) {
	if req.GetNhsNumber() == optedOut {
		return &optoutv1.GetChoiceResponse{ChoiceNumber: 1, Sealed: true}, nil
	}
	return &optoutv1.GetChoiceResponse{}, nil
}

type fakeOptOuts struct {
	optoutv1.UnimplementedOptOutReadServiceServer
}

func (*fakeOptOuts) ListOptOuts(context.Context, *optoutv1.ListOptOutsRequest) (*optoutv1.ListOptOutsResponse, error) {
	return &optoutv1.ListOptOutsResponse{OptOuts: []*optoutv1.OptOut{{Id: epoch, NhsNumber: optedOut}}}, nil
}

func (*fakeOptOuts) GetOptOut(context.Context, *optoutv1.GetOptOutRequest) (*optoutv1.GetOptOutResponse, error) {
	return &optoutv1.GetOptOutResponse{OptOut: &optoutv1.OptOut{Id: epoch, NhsNumber: optedOut}}, nil
}

type fakeOptOutWrites struct {
	optoutv1.UnimplementedOptOutWriteServiceServer
}

func (*fakeOptOutWrites) RegisterOptOut(_ context.Context, req *optoutv1.RegisterOptOutRequest) (*optoutv1.RegisterOptOutResponse, error) {
	return &optoutv1.RegisterOptOutResponse{OptOut: &optoutv1.OptOut{Id: epoch, NhsNumber: req.GetNhsNumber()}}, nil
}

type fakeRecords struct {
	recordv1.UnimplementedReadServiceServer
	b *behind
}

func manifest(g *recordv1.Grant) *recordv1.Manifest {
	return &recordv1.Manifest{Sections: g.GetSections()[:1], Entries: 2, SourceOdsCodes: []string{"R0D", "RYF"}}
}

func (f *fakeRecords) GetRecord(ctx context.Context, req *recordv1.GetRecordRequest) (*recordv1.GetRecordResponse, error) {
	f.b.mu.Lock()
	hold, held, body := f.b.hold, f.b.held, f.b.record
	f.b.mu.Unlock()
	if hold != nil {
		held <- struct{}{}
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if body == nil {
		body = []byte(`{"nhs_number":"` + req.GetGrant().GetNhsNumber() + `"}`)
	}
	return &recordv1.GetRecordResponse{Body: body, Manifest: manifest(req.GetGrant())}, nil
}

func (*fakeRecords) ListEntries(_ context.Context, req *recordv1.ListEntriesRequest) (*recordv1.ListEntriesResponse, error) {
	answer := &recordv1.ListEntriesResponse{Body: []byte(`{"entries":[]}`), Manifest: manifest(req.GetGrant())}
	if req.GetAfter() == "" {
		answer.Next = "cursor-1"
	}
	return answer, nil
}

func (*fakeRecords) GetEntry(context.Context, *recordv1.GetEntryRequest) (*recordv1.GetEntryResponse, error) {
	return nil, fault.NotFound("ENTRY_NOT_FOUND", "there is no such entry")
}

type fakeFeeds struct {
	recordv1.UnimplementedFeedServiceServer
	b *behind
}

func (f *fakeFeeds) SubmitBundle(context.Context, *recordv1.SubmitBundleRequest) (*recordv1.SubmitBundleResponse, error) {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	return f.b.feed, nil
}

type fakeRefusals struct {
	recordv1.UnimplementedFeedReadServiceServer
}

func (*fakeRefusals) ListRefusals(_ context.Context, req *recordv1.ListRefusalsRequest) (*recordv1.ListRefusalsResponse, error) {
	return &recordv1.ListRefusalsResponse{Refusals: []*recordv1.FeedRefusal{{Id: epoch, SourceOdsCode: req.GetSourceOdsCode()}}}, nil
}

type fakeAppend struct {
	auditv1.UnimplementedAppendServiceServer
	b *behind
}

func (f *fakeAppend) Append(_ context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	answer := &auditv1.AppendResponse{}
	for _, e := range req.GetEvents() {
		f.b.events = append(f.b.events, e)
		answer.Leaves = append(answer.Leaves, &auditv1.Leaf{EventId: e.GetId()})
	}
	return answer, nil
}

type fakeQuery struct {
	auditv1.UnimplementedQueryServiceServer
}

func (*fakeQuery) ListEvents(_ context.Context, req *auditv1.ListEventsRequest) (*auditv1.ListEventsResponse, error) {
	return &auditv1.ListEventsResponse{
		Events:      []*auditv1.Event{{Id: epoch, NhsNumber: req.GetFilter().GetNhsNumber(), Outcome: auditv1.Outcome_OUTCOME_REFUSED}},
		NextAfterId: epoch,
	}, nil
}

// demographics is the first section that a paramedic sees.
const demographics = accessv1.Section_SECTION_DEMOGRAPHICS
