package fault_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// door is a gRPC service of ours, one method of it, and who may call it. It stands here once more, so that a
// caller list cannot be widened without a test that says so.
type door struct {
	service, method string
	request, answer any
	callers         []string
}

func doors() []door {
	return []door{
		{"audit-svc", auditv1.AppendService_Append_FullMethodName, &auditv1.AppendRequest{}, &auditv1.AppendResponse{}, []string{"gateway", "identity-svc", "record-svc", "optout-svc"}},
		{"audit-svc", auditv1.QueryService_ListEvents_FullMethodName, &auditv1.ListEventsRequest{}, &auditv1.ListEventsResponse{}, []string{"gateway"}},
		{"identity-svc", identityv1.FactsService_GetStaffFacts_FullMethodName, &identityv1.GetStaffFactsRequest{}, &identityv1.GetStaffFactsResponse{}, []string{"gateway"}},
		{"identity-svc", identityv1.PatientService_GetPatient_FullMethodName, &identityv1.GetPatientRequest{}, &identityv1.GetPatientResponse{}, []string{"gateway"}},
		{"identity-svc", identityv1.RelationshipService_ListCareRelationships_FullMethodName, &identityv1.ListCareRelationshipsRequest{}, &identityv1.ListCareRelationshipsResponse{}, []string{"gateway"}},
		{"identity-svc", identityv1.DirectoryReadService_ListStaff_FullMethodName, &identityv1.ListStaffRequest{}, &identityv1.ListStaffResponse{}, []string{"gateway"}},
		{"identity-svc", identityv1.DirectoryAdminService_CreateStaff_FullMethodName, &identityv1.CreateStaffRequest{}, &identityv1.CreateStaffResponse{}, []string{"gateway"}},
		{"identity-svc", identityv1.FeedService_ApplyFeedFacts_FullMethodName, &identityv1.ApplyFeedFactsRequest{}, &identityv1.ApplyFeedFactsResponse{}, []string{"record-svc"}},
		{"identity-svc", identityv1.MatchService_MatchPerson_FullMethodName, &identityv1.MatchPersonRequest{}, &identityv1.MatchPersonResponse{}, []string{"optout-svc"}},
		{"identity-svc", identityv1.MergeService_ListMerges_FullMethodName, &identityv1.ListMergesRequest{}, &identityv1.ListMergesResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.LinkService_LinkNumbers_FullMethodName, &optoutv1.LinkNumbersRequest{}, &optoutv1.LinkNumbersResponse{}, []string{"identity-svc"}},
		{"optout-svc", optoutv1.UnlinkReviewService_ListUnlinkedPeople_FullMethodName, &optoutv1.ListUnlinkedPeopleRequest{}, &optoutv1.ListUnlinkedPeopleResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.NewPersonService_CheckNewPersons_FullMethodName, &optoutv1.CheckNewPersonsRequest{}, &optoutv1.CheckNewPersonsResponse{}, []string{"record-svc"}},
		{"optout-svc", optoutv1.NewPersonReviewService_ListHeldPeople_FullMethodName, &optoutv1.ListHeldPeopleRequest{}, &optoutv1.ListHeldPeopleResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.ChoiceService_GetChoice_FullMethodName, &optoutv1.GetChoiceRequest{}, &optoutv1.GetChoiceResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.OptOutReadService_ListOptOuts_FullMethodName, &optoutv1.ListOptOutsRequest{}, &optoutv1.ListOptOutsResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.OptOutWriteService_RegisterOptOut_FullMethodName, &optoutv1.RegisterOptOutRequest{}, &optoutv1.RegisterOptOutResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.OptOutPublicService_GetOptOutStatus_FullMethodName, &optoutv1.GetOptOutStatusRequest{}, &optoutv1.GetOptOutStatusResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.OptOutDocumentService_GetDocument_FullMethodName, &optoutv1.GetDocumentRequest{}, &optoutv1.GetDocumentResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.OptOutImportService_ExportOptOuts_FullMethodName, &optoutv1.ExportOptOutsRequest{}, &optoutv1.ExportOptOutsResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.LetterService_GetLetter_FullMethodName, &optoutv1.GetLetterRequest{}, &optoutv1.GetLetterResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.LinkService_LinkNumbers_FullMethodName, &optoutv1.LinkNumbersRequest{}, &optoutv1.LinkNumbersResponse{}, []string{"identity-svc"}},
		{"optout-svc", optoutv1.UnlinkReviewService_ListUnlinkedPeople_FullMethodName, &optoutv1.ListUnlinkedPeopleRequest{}, &optoutv1.ListUnlinkedPeopleResponse{}, []string{"gateway"}},
		{"optout-svc", optoutv1.NewPersonService_CheckNewPersons_FullMethodName, &optoutv1.CheckNewPersonsRequest{}, &optoutv1.CheckNewPersonsResponse{}, []string{"record-svc"}},
		{"optout-svc", optoutv1.NewPersonReviewService_ListHeldPeople_FullMethodName, &optoutv1.ListHeldPeopleRequest{}, &optoutv1.ListHeldPeopleResponse{}, []string{"gateway"}},
		{"identity-svc", identityv1.MatchService_MatchPerson_FullMethodName, &identityv1.MatchPersonRequest{}, &identityv1.MatchPersonResponse{}, []string{"optout-svc"}},
		{"record-svc", recordv1.SafeguardingService_HasSafeguardingEntries_FullMethodName, &recordv1.HasSafeguardingEntriesRequest{}, &recordv1.HasSafeguardingEntriesResponse{}, []string{"optout-svc"}},
		{"record-svc", recordv1.ReadService_GetRecord_FullMethodName, &recordv1.GetRecordRequest{}, &recordv1.GetRecordResponse{}, []string{"gateway"}},
		{"record-svc", recordv1.SealService_ApplyChoice_FullMethodName, &recordv1.ApplyChoiceRequest{}, &recordv1.ApplyChoiceResponse{}, []string{"optout-svc"}},
		{"record-svc", recordv1.SafeguardingService_HasSafeguardingEntries_FullMethodName, &recordv1.HasSafeguardingEntriesRequest{}, &recordv1.HasSafeguardingEntriesResponse{}, []string{"optout-svc"}},
		{"record-svc", recordv1.MergeService_RetireNumber_FullMethodName, &recordv1.RetireNumberRequest{}, &recordv1.RetireNumberResponse{}, []string{"identity-svc"}},
		{"record-svc", recordv1.FeedService_SubmitBundle_FullMethodName, &recordv1.SubmitBundleRequest{}, &recordv1.SubmitBundleResponse{}, []string{"gateway"}},
		{"record-svc", recordv1.FeedReadService_ListRefusals_FullMethodName, &recordv1.ListRefusalsRequest{}, &recordv1.ListRefusalsResponse{}, []string{"gateway"}},
	}
}

// testCallers knocks at every internal service with every certificate of the suite, and with none that counts.
func testCallers(t *testing.T, s *suite) {
	for _, service := range services {
		address := s.stack.Addresses(service)[0]
		conns := map[string]*grpc.ClientConn{}
		for _, as := range append([]string{"gateway", "dcrctl"}, services...) {
			conns[as] = s.dial(t, as, service, address)
		}
		for _, d := range doors() {
			if d.service != service {
				continue
			}
			for as, conn := range conns {
				err := call(t, conn, d)
				listed := slices.Contains(d.callers, as)
				if refused := status.Code(err) == codes.PermissionDenied && fault.ReasonOf(err) == rpc.ReasonCaller; refused == listed {
					t.Errorf("%s calls %s: %v, listed %v", as, d.method, err, listed)
				}
			}
		}
		s.wantStrangersRefused(t, service, address)
	}
}

// wantStrangersRefused: without a certificate, or with one of another authority that bears the right name, a
// client does not get past the handshake.
func (s *suite) wantStrangersRefused(t *testing.T, service, address string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "other")
	if err := devcert.Ensure(other, []string{"gateway"}); err != nil {
		t.Fatal(err)
	}
	foreign, err := tls.LoadX509KeyPair(devcert.CertFile(other, "gateway"), devcert.KeyFile(other, "gateway"))
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(s.stack.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	own, err := tls.LoadX509KeyPair(devcert.CertFile(s.stack.CertDir(), "gateway"), devcert.KeyFile(s.stack.CertDir(), "gateway"))
	if err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string][]tls.Certificate{"nobody": nil, "a stranger": {foreign}, "the gateway": {own}} {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			RootCAs: pool, ServerName: "localhost", Certificates: shown, MinVersion: tls.VersionTLS12,
		})))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range doors() {
			if d.service != service {
				continue
			}
			err := call(t, conn, d)
			// The gateway's own certificate shows that it is the certificate that the others lack.
			if got := status.Code(err) == codes.Unavailable; got == (name == "the gateway") {
				t.Errorf("%s calls %s: %v", name, d.method, err)
			}
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// call makes the call of a door with an empty request: who may not call is told so before the request is read.
func call(t *testing.T, conn *grpc.ClientConn, d door) error {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return conn.Invoke(ctx, d.method, d.request, d.answer)
}
