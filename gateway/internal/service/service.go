// Package service is the gateway's RPCs, one file per resource. A handler runs
// when the pipeline has decided that the call may go on: it asks the service
// behind, says what it releases, and shapes the answer for this caller. It
// decides nothing about access beyond what of an answer this caller may see.
package service

import (
	"time"

	"google.golang.org/grpc"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/accesshistory"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pagetoken"
	"github.com/dorsetcarerecord/dcr/internal/pdf"
)

// Config is what the handlers need.
type Config struct {
	// Connections to the services behind.
	Identity, OptOut, Record, Audit grpc.ClientConnInterface
	// Pages seals and opens page tokens.
	Pages *pagetoken.Book
	// Version of the program, for the capability statement.
	Version string
	// History is how a person is told who has used their record; Press prints it.
	History *accesshistory.Words
	Press   *pdf.Press
	// Zone is the time zone of the county.
	Zone *time.Location
	// Profession that the access policy gives a role code; empty for none.
	Profession func(roleCode string) string
	// Now is the clock.
	Now func() time.Time
}

// desk is what handlers share.
type desk struct {
	patients      identityv1.PatientServiceClient
	relationships identityv1.RelationshipServiceClient
	directory     identityv1.DirectoryReadServiceClient
	administer    identityv1.DirectoryAdminServiceClient
	merges        identityv1.MergeServiceClient
	optOuts       optoutv1.OptOutReadServiceClient
	choose        optoutv1.OptOutWriteServiceClient
	documents     optoutv1.OptOutDocumentServiceClient
	letters       optoutv1.LetterServiceClient
	imports       optoutv1.OptOutImportServiceClient
	public        optoutv1.OptOutPublicServiceClient
	held          optoutv1.NewPersonReviewServiceClient
	unlinked      optoutv1.UnlinkReviewServiceClient
	records       recordv1.ReadServiceClient
	feeds         recordv1.FeedServiceClient
	refusals      recordv1.FeedReadServiceClient
	events        auditv1.QueryServiceClient
	log           auditv1.LogServiceClient
	caseReads     auditv1.CaseReadServiceClient
	caseSteps     auditv1.CaseWriteServiceClient
	pages         *pagetoken.Book
	version       string
	words         *accesshistory.Words
	press         *pdf.Press
	zone          *time.Location
	profession    func(roleCode string) string
	now           func() time.Time
}

// Register registers every service of the contract on each registrar: the gRPC
// listener and the in-process connection of REST serve the same handlers.
func Register(cfg Config, on ...grpc.ServiceRegistrar) {
	d := &desk{
		patients:      identityv1.NewPatientServiceClient(cfg.Identity),
		relationships: identityv1.NewRelationshipServiceClient(cfg.Identity),
		directory:     identityv1.NewDirectoryReadServiceClient(cfg.Identity),
		administer:    identityv1.NewDirectoryAdminServiceClient(cfg.Identity),
		merges:        identityv1.NewMergeServiceClient(cfg.Identity),
		optOuts:       optoutv1.NewOptOutReadServiceClient(cfg.OptOut),
		choose:        optoutv1.NewOptOutWriteServiceClient(cfg.OptOut),
		documents:     optoutv1.NewOptOutDocumentServiceClient(cfg.OptOut),
		letters:       optoutv1.NewLetterServiceClient(cfg.OptOut),
		imports:       optoutv1.NewOptOutImportServiceClient(cfg.OptOut),
		public:        optoutv1.NewOptOutPublicServiceClient(cfg.OptOut),
		held:          optoutv1.NewNewPersonReviewServiceClient(cfg.OptOut),
		unlinked:      optoutv1.NewUnlinkReviewServiceClient(cfg.OptOut),
		records:       recordv1.NewReadServiceClient(cfg.Record),
		feeds:         recordv1.NewFeedServiceClient(cfg.Record),
		refusals:      recordv1.NewFeedReadServiceClient(cfg.Record),
		events:        auditv1.NewQueryServiceClient(cfg.Audit),
		log:           auditv1.NewLogServiceClient(cfg.Audit),
		caseReads:     auditv1.NewCaseReadServiceClient(cfg.Audit),
		caseSteps:     auditv1.NewCaseWriteServiceClient(cfg.Audit),
		pages:         cfg.Pages,
		version:       cfg.Version,
		words:         cfg.History,
		press:         cfg.Press,
		zone:          cfg.Zone,
		profession:    cfg.Profession,
		now:           cfg.Now,
	}
	readers := newTurns(readersAtOnce, readersWaiting, readersWait)
	for _, r := range on {
		gatewayv1.RegisterAccessHistoryServiceServer(r, &accessHistory{desk: d})
		gatewayv1.RegisterAuditServiceServer(r, &audit{desk: d})
		gatewayv1.RegisterCaseServiceServer(r, &caseDesk{desk: d})
		gatewayv1.RegisterCareRelationshipServiceServer(r, &careRelationship{desk: d})
		gatewayv1.RegisterFhirAuditServiceServer(r, &fhirAudit{desk: d})
		gatewayv1.RegisterFhirServiceServer(r, &fhir{desk: d})
		gatewayv1.RegisterLogServiceServer(r, &logs{desk: d, readers: readers})
		gatewayv1.RegisterMeServiceServer(r, &me{desk: d})
		gatewayv1.RegisterMergeServiceServer(r, &numberMerge{desk: d})
		gatewayv1.RegisterOptOutDocumentServiceServer(r, &optOutDocument{desk: d})
		gatewayv1.RegisterOptOutImportServiceServer(r, &optOutImport{desk: d})
		gatewayv1.RegisterOptOutServiceServer(r, &optOut{desk: d})
		gatewayv1.RegisterOrganisationServiceServer(r, &organisation{desk: d})
		gatewayv1.RegisterPatientServiceServer(r, &patient{desk: d})
		gatewayv1.RegisterPublicOptOutServiceServer(r, &publicOptOut{desk: d})
		gatewayv1.RegisterRecordServiceServer(r, &record{desk: d})
		gatewayv1.RegisterStaffServiceServer(r, &staff{desk: d})
		gatewayv1.RegisterUndecidedServiceServer(r, &undecided{desk: d})
	}
}
