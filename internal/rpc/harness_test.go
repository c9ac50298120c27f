package rpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/mtls"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/telemetry"
)

// county is the certificates of a test and the log of its servers.
type county struct {
	dir string
	log logBook
	tel *telemetry.Telemetry
}

func newCounty(t *testing.T) *county {
	t.Helper()
	c := &county{dir: t.TempDir()}
	if err := devcert.Ensure(c.dir, []string{"gateway", "dcrctl", "echo-svc", "other-svc"}); err != nil {
		t.Fatal(err)
	}
	var err error
	c.tel, err = telemetry.Setup(t.Context(), telemetry.Config{Service: "echo-svc", Output: &c.log})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *county) identity(t *testing.T, name string) *mtls.Source {
	t.Helper()
	s, err := mtls.Load(mtls.Config{
		CertFile: devcert.CertFile(c.dir, name), KeyFile: devcert.KeyFile(c.dir, name), CAFile: devcert.CAFile(c.dir)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// config is a whole configuration: the gateway may call.
func (c *county) config(t *testing.T) rpc.ServerConfig {
	t.Helper()
	return rpc.ServerConfig{
		Name: "echo-svc", TLS: c.identity(t, "echo-svc"), Log: c.tel.Log, Telemetry: c.tel,
		Callers: map[string][]string{echoService: {"gateway"}},
	}
}

// serve runs a server over loopback until the test ends.
func serve(t *testing.T, cfg rpc.ServerConfig, do echo) (*rpc.Server, string) {
	t.Helper()
	return serveAt(t, "127.0.0.1:0", cfg, do)
}

// serveAt is serve at an address.
func serveAt(t *testing.T, addr string, cfg rpc.ServerConfig, do echo) (*rpc.Server, string) {
	t.Helper()
	s, err := rpc.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.RegisterService(do.desc(), nil)
	lis, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.Stop(ctx)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s, lis.Addr().String()
}

// dial makes a client of the addresses under the certificate of name.
func (c *county) dial(t *testing.T, name string, addrs ...string) *grpc.ClientConn {
	t.Helper()
	return c.dialConfig(t, rpc.DialConfig{
		Target: "static:///" + strings.Join(addrs, ","), Peer: "echo-svc", TLS: c.identity(t, name), Telemetry: c.tel})
}

func (c *county) dialConfig(t *testing.T, cfg rpc.DialConfig) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// logBook is a log that may be read while it is written.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lines are the log's lines with this message.
func (b *logBook) lines(t *testing.T, msg string) []map[string]any {
	t.Helper()
	var found []map[string]any
	dec := json.NewDecoder(strings.NewReader(b.String()))
	for {
		var line map[string]any
		err := dec.Decode(&line)
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if line[slog.MessageKey] == msg {
			found = append(found, line)
		}
	}
}
