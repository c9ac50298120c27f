package fault_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// dial connects to one replica, with the certificate of a name.
func (s *suite) dial(t *testing.T, as, peer, address string) *grpc.ClientConn {
	t.Helper()
	dir := s.stack.CertDir()
	tls, err := mtls.Load(mtls.Config{
		CertFile: devcert.CertFile(dir, as), KeyFile: devcert.KeyFile(dir, as), CAFile: devcert.CAFile(dir), TrustDomain: devcert.TrustDomain,
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rpc.Dial(rpc.DialConfig{Target: "static:///" + address, Peer: peer, TLS: tls})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// testLateChoices: messages about choices may come late, twice and in any order, and to both replicas at once;
// record-svc keeps the highest number that it was told.
func testLateChoices(t *testing.T, s *suite) {
	var seals []recordv1.SealServiceClient
	for _, address := range s.stack.Addresses("record-svc") {
		seals = append(seals, recordv1.NewSealServiceClient(s.dial(t, "optout-svc", "record-svc", address)))
	}
	w := s.watched(t, 4)[3]
	c := &chooser{token: s.staff(t, county.PrivacyOfficerCode).Token, person: w.person, pick: s.inTurn}
	for _, out := range []bool{true, false, true} {
		if err := c.choose(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	last := c.made[len(c.made)-1]
	await(t, recoverLimit, "the last choice kept", func() bool {
		kept, err := tell(t.Context(), seals[0], w.person.NHSNumber, 1, true)
		return err == nil && kept.GetChoiceNumber() == last.number
	})
	work := startLoad(t.Context(), w.readers, s.inTurn)
	defer work.cancel()
	var tellers sync.WaitGroup
	for i := range 4 {
		tellers.Go(func() {
			for n := range soaking(40) {
				// All earlier choices again, and the open ones most often; the last one twice is the same as once.
				number := int64((n+i)%int(last.number)) + 1
				kept, err := tell(t.Context(), seals[(n+i)%len(seals)], w.person.NHSNumber, number, number == last.number)
				if err != nil {
					t.Errorf("tell choice %d: %v", number, err)
				} else if kept.GetChoiceNumber() != last.number || !kept.GetSealed() {
					t.Errorf("told choice %d, kept %d sealed %v; want %d sealed", number, kept.GetChoiceNumber(), kept.GetSealed(), last.number)
				}
			}
		})
	}
	tellers.Wait()
	refused := func(l look) bool { return l.reason() == "NO_PATIENT_CONSENT" }
	work.awaitMore(t, recoverLimit, 4, "refusals", refused)
	for _, l := range work.stop() {
		if !refused(l) {
			t.Errorf("want a refusal for the opt-out: %s", l)
		}
	}
	if err := c.choose(t.Context(), false); err != nil { // other parts want to see the record
		t.Fatal(err)
	}
}

func tell(ctx context.Context, seal recordv1.SealServiceClient, person string, number int64, sealed bool) (*recordv1.ApplyChoiceResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return seal.ApplyChoice(ctx, &recordv1.ApplyChoiceRequest{NhsNumber: person, ChoiceNumber: number, Sealed: sealed})
}
