package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Config says what to bring up.
type Config struct {
	// Dir holds everything of the run: data, certificates, logs, stack.json.
	Dir string
	// BinDir holds the programs, built by Build.
	BinDir string
	// Replicas of each service and of the gateway; 0 means 1.
	Replicas int
	// DatabaseURL of a superuser on an empty or marked database; empty for a private server.
	DatabaseURL string
	// RESTPort and GRPCPort of the first gateway; 0 picks free ones.
	RESTPort, GRPCPort int
	// County to register and load; nil brings the suite up with staff and organisations of nobody.
	County *county.County
	// Env adds settings by program name, or to all by "*".
	Env map[string]map[string]string
	// Out takes what the stack says while it works; nil for silence.
	Out io.Writer
}

// Stack is a running suite.
type Stack struct {
	cfg       Config
	secrets   *secrets
	db        *database
	processes []*Process
	ports     map[string][]int  // gRPC ports of a service's replicas
	ops       map[string]string // operators' listener of a replica, by name
	issuer    issuerEndpoint
	audit     Audit
	gateways  []Gateway
}

// Gateway is one replica of the gateway.
type Gateway struct {
	// URL of its REST surface and Address (host:port) of its gRPC surface.
	URL, Address string
}

// Start brings everything up to a gateway that answers, without any data. Stop it in the end, also after
// an error that comes with a stack.
func Start(ctx context.Context, cfg Config) (*Stack, error) {
	cfg.Replicas = max(cfg.Replicas, 1)
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	s := &Stack{cfg: cfg, ports: map[string][]int{}, ops: map[string]string{}}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"folders, secrets and development certificates", s.prepareFiles},
		{"PostgreSQL", s.startDatabase},
		{"the demonstration issuer", s.startIssuer},
		{"keys of the audit log, and a witness", s.startWitness},
		{"the four services", s.startServices},
		{"the gateway", s.startGateways},
	} {
		s.say("%s", step.what)
		if err := step.do(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", step.what, err), s.Stop(context.WithoutCancel(ctx)))
		}
	}
	return s, nil
}

// Stop drains and stops everything in the order opposite to starting: whoever calls goes before whoever is called.
func (s *Stack) Stop(ctx context.Context) error {
	var errs []error
	for _, p := range slices.Backward(s.processes) {
		errs = append(errs, p.Resume(), p.Stop())
	}
	if s.db != nil {
		errs = append(errs, s.db.stop(ctx))
	}
	return errors.Join(dropDone(errs)...)
}

// dropDone leaves out what says only that a process had already ended.
func dropDone(errs []error) []error {
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil || errors.Is(err, os.ErrProcessDone) })
}

// Process by replica name, e.g. "record-svc-1"; nil when there is none.
func (s *Stack) Process(name string) *Process {
	for _, p := range s.processes {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// Gateways that answer, at least one.
func (s *Stack) Gateways() []Gateway { return s.gateways }

// OpsURL of a replica's operators' listener.
func (s *Stack) OpsURL(name string) string { return s.ops[name] }

// CAFile of the development authority that every listener of the run is signed by.
func (s *Stack) CAFile() string { return devcert.CAFile(s.path("certs")) }

// Dir of the run.
func (s *Stack) Dir() string { return s.cfg.Dir }

func (s *Stack) path(parts ...string) string {
	return filepath.Join(append([]string{s.cfg.Dir}, parts...)...)
}

func (s *Stack) say(format string, args ...any) { fmt.Fprintf(s.cfg.Out, format+"\n", args...) }

// prepareFiles makes folders, secrets and certificates, or finds those of the run before.
func (s *Stack) prepareFiles(context.Context) error {
	for _, dir := range []string{"log", "certs", "config"} {
		if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
			return err
		}
	}
	var roles []string
	for _, schema := range postgres.Schemas() {
		roles = append(roles, postgres.OwnerRole(schema), postgres.AppRole(schema))
	}
	var err error
	if s.secrets, err = loadSecrets(s.cfg.Dir, roles, s.clientIDs()); err != nil {
		return err
	}
	authority := devcert.Authority{Dir: s.path("certs")}
	if err := authority.Ensure("audit-svc", "identity-svc", "record-svc", "optout-svc", "gateway", "dcrctl"); err != nil {
		return fmt.Errorf("make certificates: %w", err)
	}
	return authority.EnsurePublic("localhost", "127.0.0.1")
}

func (s *Stack) startDatabase(ctx context.Context) error {
	var err error
	if s.db, err = openDatabase(ctx, s.cfg.Dir, s.cfg.DatabaseURL, s.cfg.Out); err != nil {
		return err
	}
	return s.db.prepare(ctx, s.secrets.RolePasswords)
}

// FreePort asks the system for a port of 127.0.0.1 that nobody uses.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
