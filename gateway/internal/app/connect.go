package app

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/life"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

// connections to the services behind.
type connections struct{ identity, optOut, record, audit *grpc.ClientConn }

// connection is how one service behind is reached.
type connection struct {
	conn                  **grpc.ClientConn
	setting, target, peer string
	// again lists the gRPC services whose calls may be sent twice.
	again []string
}

// all: reads may be sent again when a replica went away, and so may changes,
// which carry a request id. A bundle is not: its sender does that.
func (c *connections) all(t Targets) []connection {
	return []connection{
		{&c.identity, "DCR_IDENTITY_TARGET", t.Identity, "identity-svc", []string{
			identityv1.FactsService_ServiceDesc.ServiceName, identityv1.PatientService_ServiceDesc.ServiceName,
			identityv1.RelationshipService_ServiceDesc.ServiceName, identityv1.DirectoryReadService_ServiceDesc.ServiceName,
			identityv1.DirectoryAdminService_ServiceDesc.ServiceName, identityv1.MergeService_ServiceDesc.ServiceName,
		}},
		{&c.optOut, "DCR_OPTOUT_TARGET", t.OptOut, "optout-svc", []string{
			optoutv1.ChoiceService_ServiceDesc.ServiceName, optoutv1.OptOutReadService_ServiceDesc.ServiceName,
			optoutv1.OptOutWriteService_ServiceDesc.ServiceName, optoutv1.OptOutDocumentService_ServiceDesc.ServiceName,
			optoutv1.LetterService_ServiceDesc.ServiceName, optoutv1.OptOutImportService_ServiceDesc.ServiceName,
			optoutv1.OptOutPublicService_ServiceDesc.ServiceName,
			optoutv1.NewPersonReviewService_ServiceDesc.ServiceName, optoutv1.UnlinkReviewService_ServiceDesc.ServiceName,
		}},
		{&c.record, "DCR_RECORD_TARGET", t.Record, "record-svc", []string{
			recordv1.ReadService_ServiceDesc.ServiceName, recordv1.FeedReadService_ServiceDesc.ServiceName,
		}},
		{&c.audit, "DCR_AUDIT_TARGET", t.Audit, "audit-svc", []string{
			auditv1.AppendService_ServiceDesc.ServiceName, auditv1.QueryService_ServiceDesc.ServiceName,
			auditv1.LogService_ServiceDesc.ServiceName,
			auditv1.CaseReadService_ServiceDesc.ServiceName, auditv1.CaseWriteService_ServiceDesc.ServiceName,
		}},
	}
}

// dial makes the connections, as certificate "gateway".
func (p *parts) dial(cfg Config) (connections, error) {
	cfg.TLS.Log = p.tel.Log
	tls, err := mtls.Load(cfg.TLS)
	if err != nil {
		return connections{}, err
	}
	if tls.Name() != name {
		return connections{}, fmt.Errorf("DCR_TLS_CERT_FILE: the certificate names %s, not %s", tls.Name(), name)
	}
	if err := tls.Instrument(p.tel.Meter.Meter("dcr/mtls")); err != nil {
		return connections{}, err
	}
	var c connections
	for _, to := range c.all(cfg.Targets) {
		conn, err := rpc.Dial(rpc.DialConfig{
			Target: to.target, Peer: to.peer, TLS: tls, Telemetry: p.tel, Idempotent: to.again,
		})
		if err != nil {
			return connections{}, fmt.Errorf("%s: %w", to.setting, err)
		}
		p.closers = append(p.closers, life.Step{Name: "connections to " + to.peer, Do: func(context.Context) error { return conn.Close() }})
		*to.conn = conn
	}
	return c, nil
}
