package testkit

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

const graceLimit = 5 * time.Second

// Certs makes a development authority and a certificate for each name, such as "gateway", and gives their
// folder, which goes with the test.
func Certs(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := devcert.Ensure(dir, names); err != nil {
		t.Fatalf("testkit: %v", err)
	}
	return dir
}

// Identity loads a certificate that Certs made.
func Identity(t testing.TB, dir, name string) *mtls.Source {
	t.Helper()
	source, err := mtls.Load(mtls.Config{
		CertFile: devcert.CertFile(dir, name), KeyFile: devcert.KeyFile(dir, name), CAFile: devcert.CAFile(dir),
	})
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	return source
}

// Serve runs a server with the whole chain on a free loopback port: the caller list, deadlines, validation
// and error translation that production has. Name is the certificate it shows, of those in dir; register puts
// the services on it. It gives the address, and stops when the test ends. Change, unless nil, has the last
// word on the configuration.
func Serve(t testing.TB, dir, name string, callers map[string][]string, register func(grpc.ServiceRegistrar), change func(*rpc.ServerConfig)) string {
	t.Helper()
	cfg := rpc.ServerConfig{Name: name, TLS: Identity(t, dir, name), Callers: callers, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	server, err := rpc.NewServer(cfg)
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	register(server)
	if err := server.Check(); err != nil {
		t.Fatalf("testkit: %v", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), graceLimit)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Errorf("testkit: stop %s: %v", name, err)
		}
		if err := <-done; err != nil {
			t.Errorf("testkit: serve %s: %v", name, err)
		}
	})
	return listener.Addr().String()
}

// Dial connects to a server of Serve as one of the names in dir. Peer is the name that the server must show.
func Dial(t testing.TB, dir, as, peer, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(rpc.DialConfig{Target: "static:///" + address, Peer: peer, TLS: Identity(t, dir, as)})
	if err != nil {
		t.Fatalf("testkit: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
