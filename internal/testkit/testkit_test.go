package testkit_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func migrations(column string) fstest.MapFS {
	return fstest.MapFS{"00001_thing.sql": {Data: []byte("-- +goose Up\nSET lock_timeout = '5s';\nCREATE TABLE thing (" + column +
		" int);\nGRANT SELECT, INSERT ON thing TO dcr_record_app;\n-- +goose Down\nDROP TABLE thing;\n")}}
}

// TestDatabasesAreApart lets parallel tests write to the same table of their own databases.
func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	for range 6 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			h := testkit.Database(t, "record", migrations("n"))
			if _, err := h.App.Exec("INSERT INTO thing VALUES (1)"); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := h.Owner.Get(&n, "SELECT count(*) FROM record.thing"); err != nil || n != 1 {
				t.Errorf("%d rows, %v; want our own alone", n, err)
			}
		})
	}
}

func TestOtherMigrationsOtherTemplate(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("other"))
	if _, err := h.App.Exec("INSERT INTO thing (other) VALUES (1)"); err != nil {
		t.Error(err)
	}
}

// echo answers one call of a service that gRPC ships for tests.
type echo struct {
	testgrpc.UnimplementedXdsUpdateHealthServiceServer
}

func (echo) SetServing(context.Context, *testgrpc.Empty) (*testgrpc.Empty, error) {
	return &testgrpc.Empty{}, nil
}

// TestServeHasTheWholeChain: a caller that is listed is answered, another is refused.
func TestServeHasTheWholeChain(t *testing.T) {
	t.Parallel()
	dir := testkit.Certs(t, "record-svc", "gateway", "dcrctl")
	address := testkit.Serve(t, dir, "record-svc", map[string][]string{testgrpc.XdsUpdateHealthService_ServiceDesc.ServiceName: {"gateway"}},
		func(to grpc.ServiceRegistrar) { testgrpc.RegisterXdsUpdateHealthServiceServer(to, echo{}) }, nil)
	for as, want := range map[string]codes.Code{"gateway": codes.OK, "dcrctl": codes.PermissionDenied} {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		client := testgrpc.NewXdsUpdateHealthServiceClient(testkit.Dial(t, dir, as, "record-svc", address))
		_, err := client.SetServing(ctx, &testgrpc.Empty{}, grpc.WaitForReady(true))
		if status.Code(err) != want {
			t.Errorf("as %s: %v, want %v", as, err, want)
		}
	}
}
