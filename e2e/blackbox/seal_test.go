package blackbox_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// seal: record-svc checks the choice by itself (DESIGN section 3). The test is a gateway that decides wrongly:
// it has the gateway's certificate, and grants what the choice in force forbids.
func (s *suite) seal(t *testing.T) {
	p := s.attended(t)
	entry := anEntry(t, s.record(t, s.hire(t, paramedic, ambulance, ""), p.number))
	for _, address := range s.stack.Addresses("record-svc") {
		conn := s.asGateway(t, "record-svc", address)
		first := s.choiceOf(t, p.number)
		wantReads(t, conn, p.number, entry, first, "")
		wantReads(t, conn, p.number, entry, first+1, "CHOICE_MISMATCH")
		out := s.optsOut(t, p)
		wantReads(t, conn, p.number, entry, first, "SEALED") // decided before the opt-out
		wantReads(t, conn, p.number, entry, out.GetChoiceNumber(), "SEALED")
		s.ask(t, s.officer, &gatewayv1.WithdrawOptOutRequest{
			RequestId: uuid.NewString(), Id: out.GetId(), Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: "call 9",
			Requester: optoutv1.Requester_REQUESTER_SELF,
		}).want(t, http.StatusOK, "")
		wantReads(t, conn, p.number, entry, out.GetChoiceNumber(), "CHOICE_MISMATCH")
		wantReads(t, conn, p.number, entry, out.GetChoiceNumber()+1, "")
	}
}

// choiceOf is the number of the choice in force, as the log has it.
func (s *suite) choiceOf(t *testing.T, number string) int64 {
	t.Helper()
	r := s.ask(t, s.hire(t, paramedic, ambulance, ""), &gatewayv1.GetRecordRequest{NhsNumber: number})
	r.want(t, http.StatusOK, "")
	return s.event(t, r.eventID).GetBasis().GetChoiceNumber()
}

// asGateway is a connection to one replica of a service with the gateway's certificate.
func (s *suite) asGateway(t *testing.T, service, address string) *grpc.ClientConn {
	t.Helper()
	dir := s.stack.CertDir()
	source, err := mtls.Load(mtls.Config{
		CertFile: devcert.CertFile(dir, "gateway"), KeyFile: devcert.KeyFile(dir, "gateway"), CAFile: devcert.CAFile(dir),
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rpc.Dial(rpc.DialConfig{Target: "static:///" + address, Peer: service, TLS: source})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// wantReads makes every read of record-svc with a grant that rests on a choice.
func wantReads(t *testing.T, conn *grpc.ClientConn, number, entry string, choice int64, reason string) {
	t.Helper()
	client := recordv1.NewReadServiceClient(conn)
	grant := &recordv1.Grant{
		NhsNumber: number, ChoiceNumber: choice, Purpose: "direct_care", Restriction: recordv1.Restriction_RESTRICTION_NONE,
		Sections: []*accessv1.SectionGrant{{Section: accessv1.Section_SECTION_DEMOGRAPHICS, Level: accessv1.Level_LEVEL_FULL}},
	}
	for name, read := range map[string]func(context.Context) (int, error){
		"GetRecord": func(ctx context.Context) (int, error) {
			got, err := client.GetRecord(ctx, &recordv1.GetRecordRequest{Grant: grant})
			return len(got.GetBody()), err
		},
		"ListEntries": func(ctx context.Context) (int, error) {
			got, err := client.ListEntries(ctx, &recordv1.ListEntriesRequest{Grant: grant, PageSize: 10})
			return len(got.GetBody()), err
		},
		"GetEntry": func(ctx context.Context) (int, error) {
			got, err := client.GetEntry(ctx, &recordv1.GetEntryRequest{Grant: grant, Id: entry})
			return len(got.GetBody()), err
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), callLimit)
		shown, err := read(ctx)
		cancel()
		if got := fault.ReasonOf(err); got != reason || (shown > 0) != (reason == "") {
			t.Errorf("%s with choice %d: %q and %d bytes, want %q", name, choice, got, shown, reason)
		}
	}
}
