package bench

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"google.golang.org/grpc"
)

// OpenDoor serves records without any check: it shows record-svc the gateway's certificate and grants
// itself everything. It exists in the bench alone, to say what the checks cost.
func OpenDoor(ctx context.Context, listen, recordTarget, certDir string, cert tls.Certificate) error {
	conn, err := dial(recordTarget, "record-svc", certDir)
	if err != nil {
		return err
	}
	defer conn.Close()
	records := recordv1.NewReadServiceClient(conn)
	return serveTLS(ctx, listen, cert, func(w http.ResponseWriter, r *http.Request) {
		resp, err := records.GetRecord(r.Context(), &recordv1.GetRecordRequest{Grant: everything(strings.TrimPrefix(r.URL.Path, "/"))})
		if err != nil {
			http.Error(w, "failed", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(resp.GetBody())
	})
}

// everything is a grant of all sections in full.
func everything(number string) *recordv1.Grant {
	g := &recordv1.Grant{NhsNumber: number, Purpose: "bench", Restriction: recordv1.Restriction_RESTRICTION_NONE}
	for s := range accessv1.Section_name {
		if s != 0 {
			g.Sections = append(g.Sections, &accessv1.SectionGrant{Section: accessv1.Section(s), Level: accessv1.Level_LEVEL_FULL})
		}
	}
	return g
}

// dial makes a client that shows the gateway's certificate.
func dial(target, peer, certDir string) (*grpc.ClientConn, error) {
	source, err := mtls.Load(mtls.Config{
		CertFile: devcert.CertFile(certDir, "gateway"), KeyFile: devcert.KeyFile(certDir, "gateway"), CAFile: devcert.CAFile(certDir),
		TrustDomain: devcert.TrustDomain, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return rpc.Dial(rpc.DialConfig{Target: target, Peer: peer, TLS: source})
}
