package stack

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/dorsetcarerecord/dcr/internal/devcert"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// service is one of the four that keep data.
type service struct {
	name   string            // of the program and of its certificate
	schema string            // of the database
	calls  map[string]string // setting that names a peer, to the peer's name
	env    map[string]string // what else it must be told
	folder map[string]string // setting that names a folder that its replicas share, to the folder's name
}

// services in the order in which they start: each calls only what stands before it, or tolerates its absence.
func services() []service {
	return []service{
		{name: "audit-svc", schema: "audit"},
		{name: "identity-svc", schema: "identity", calls: map[string]string{
			"DCR_AUDIT_TARGET": "audit-svc", "DCR_OPTOUT_TARGET": "optout-svc", "DCR_RECORD_TARGET": "record-svc",
		}},
		{name: "record-svc", schema: "record", calls: map[string]string{
			"DCR_AUDIT_TARGET": "audit-svc", "DCR_IDENTITY_TARGET": "identity-svc", "DCR_OPTOUT_TARGET": "optout-svc",
		}},
		{name: "optout-svc", schema: "optout", calls: map[string]string{
			"DCR_AUDIT_TARGET": "audit-svc", "DCR_IDENTITY_TARGET": "identity-svc", "DCR_RECORD_TARGET": "record-svc",
		}, env: letters(), folder: map[string]string{"DCR_OPTOUT_POST_FOLDER": "post"}},
	}
}

// letters go to a folder here, from an office that does not exist: example.org and the number are of the ranges
// that are kept for fiction.
func letters() map[string]string {
	return map[string]string{
		"DCR_OPTOUT_POST":            "folder",
		"DCR_OPTOUT_OFFICER_NAME":    "Privacy Officer, Dorset Care Record (demonstration)",
		"DCR_OPTOUT_OFFICER_ADDRESS": "Demonstration House; 1 Example Street; Dorchester; ZZ99 3VZ",
		"DCR_OPTOUT_OFFICER_PHONE":   "01632 960000",
		"DCR_OPTOUT_OFFICER_EMAIL":   "privacy-officer@example.org",
	}
}

// startServices migrates every schema and starts every service in its replicas.
func (s *Stack) startServices(ctx context.Context) error {
	for _, svc := range services() {
		s.ports[svc.name] = make([]int, s.cfg.Replicas)
		for i := range s.ports[svc.name] {
			port, err := FreePort()
			if err != nil {
				return err
			}
			s.ports[svc.name][i] = port
		}
	}
	for _, svc := range services() {
		if err := s.migrate(ctx, svc); err != nil {
			return err
		}
	}
	for _, svc := range services() {
		for i := range s.cfg.Replicas {
			if err := s.startReplica(ctx, svc, i); err != nil {
				return err
			}
		}
		s.say("  %s ×%d", svc.name, s.cfg.Replicas)
	}
	return nil
}

// migrate runs the service's own command as the owner of its schema.
func (s *Stack) migrate(ctx context.Context, svc service) error {
	owner := postgres.OwnerRole(svc.schema)
	cmd := exec.CommandContext(ctx, filepath.Join(s.cfg.BinDir, svc.name), "migrate")
	cmd.Env = []string{"DCR_MIGRATE_DATABASE_URL=" + s.db.url(owner, s.secrets.RolePasswords[owner])}
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("migrate %s: %w\n%s", svc.name, err, text)
	}
	return nil
}

func (s *Stack) startReplica(ctx context.Context, svc service, i int) error {
	ops, err := FreePort()
	if err != nil {
		return err
	}
	app := postgres.AppRole(svc.schema)
	name := fmt.Sprintf("%s-%d", svc.name, i+1)
	env := s.commonEnv(svc.name, name, ops)
	env["DCR_LISTEN"] = loopback(s.ports[svc.name][i])
	env["DCR_DATABASE_URL"] = s.db.url(app, s.secrets.RolePasswords[app])
	for setting, peer := range svc.calls {
		env[setting] = s.target(peer)
	}
	for setting, folder := range svc.folder {
		env[setting] = s.path(folder)
	}
	maps.Copy(env, svc.env)
	if svc.name == "audit-svc" {
		maps.Copy(env, s.auditSettings())
	}
	maps.Copy(env, s.cfg.Env[svc.name])
	return s.start(ctx, svc.name, name, ops, env)
}

// start starts one replica of a program and remembers it.
func (s *Stack) start(ctx context.Context, program, name string, ops int, env map[string]string) error {
	p, err := StartProcess(ctx, Spec{
		Name: name, Program: filepath.Join(s.cfg.BinDir, program), Args: []string{"serve"}, Env: env,
		ReadyURL: "http://" + loopback(ops) + "/readyz", LogDir: s.path("log"),
	})
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	s.ops[name] = "http://" + loopback(ops)
	return nil
}

// drainDelay is short: here nobody needs seconds to hear that a replica goes. Tests that look at just that
// set their own.
const drainDelay = "200ms"

// commonEnv is what every program of ours is told.
func (s *Stack) commonEnv(certificate, instance string, ops int) map[string]string {
	certs := s.path("certs")
	env := map[string]string{
		"DCR_OPS_LISTEN":       loopback(ops),
		"DCR_DRAIN_DELAY":      drainDelay,
		"DCR_SERVICE_INSTANCE": instance,
		"DCR_TLS_CERT_FILE":    devcert.CertFile(certs, certificate),
		"DCR_TLS_KEY_FILE":     devcert.KeyFile(certs, certificate),
		"DCR_TLS_CA_FILE":      devcert.CAFile(certs),
		"GOMAXPROCS":           strconv.Itoa(threads()),
	}
	maps.Copy(env, s.cfg.Env["*"])
	return env
}

// threads that one process may run at once. All of the suite is on this machine, and a process that could have
// all cores spends them on waking threads that find no work: on two cores one thread each gave 1.4 times the
// views of one caller, and no fewer of many. In a cluster the runtime takes this from the container's limit.
func threads() int { return max(1, runtime.NumCPU()/2) }

// target names every replica of a service, as package rpc dials them.
func (s *Stack) target(name string) string {
	var hosts []string
	for _, port := range s.ports[name] {
		hosts = append(hosts, loopback(port))
	}
	return "static:///" + strings.Join(hosts, ",")
}
