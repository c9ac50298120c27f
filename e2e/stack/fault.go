package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// errNamedServer says that a server which somebody else runs is not ours to break.
var errNamedServer = errors.New("the database server was named, not started here: it is not ours to stop")

// Processes are all replicas of the suite, the issuer first, in the order in which they were started.
func (s *Stack) Processes() []*Process { return slices.Clone(s.processes) }

// Replicas are the replicas of one program, in order.
func (s *Stack) Replicas(program string) []*Process {
	var found []*Process
	for _, p := range s.processes {
		if p.Name() == program || strings.HasPrefix(p.Name(), program+"-") {
			found = append(found, p)
		}
	}
	return found
}

// Addresses (host:port) of a service's replicas, for clients that show a certificate of their own.
func (s *Stack) Addresses(service string) []string {
	var all []string
	for _, port := range s.ports[service] {
		all = append(all, loopback(port))
	}
	return all
}

// CertDir holds the development certificates of the run.
func (s *Stack) CertDir() string { return s.path("certs") }

// Program is the path of a built binary.
func (s *Stack) Program(name string) string { return filepath.Join(s.cfg.BinDir, name) }

// Environment is a copy of what a replica is told, to start the same program with a setting changed.
func (s *Stack) Environment(replica string) map[string]string {
	p := s.Process(replica)
	if p == nil {
		return nil
	}
	return maps.Clone(p.spec.Env)
}

// DatabaseURL is the connection of a database role, as a service has it; of the superuser for "".
func (s *Stack) DatabaseURL(role string) string {
	if role == "" {
		return s.db.super.String()
	}
	return s.db.url(role, s.secrets.RolePasswords[role])
}

// KillDatabase ends the private PostgreSQL at once (SIGKILL), as a power cut would.
func (s *Stack) KillDatabase() error {
	if s.db.server == nil {
		return errNamedServer
	}
	return s.db.server.Kill()
}

// RestartDatabase starts the private PostgreSQL again, after KillDatabase too, on the same data and port.
func (s *Stack) RestartDatabase(ctx context.Context) error {
	if s.db.server == nil {
		return errNamedServer
	}
	return s.db.server.Restart(ctx)
}

// PauseDatabase freezes the private PostgreSQL with all its backends: connections stay open and silent.
func (s *Stack) PauseDatabase() error { return s.signalDatabase(syscall.SIGSTOP) }

// ResumeDatabase lets it go on.
func (s *Stack) ResumeDatabase() error { return s.signalDatabase(syscall.SIGCONT) }

// signalDatabase signals the postmaster first, so that it makes no backend meanwhile, then its children,
// of which each is a process group of its own.
func (s *Stack) signalDatabase(sig syscall.Signal) error {
	if s.db.server == nil {
		return errNamedServer
	}
	postmaster := s.db.server.PID()
	if postmaster == 0 {
		return errors.New("the private PostgreSQL does not run")
	}
	if err := syscall.Kill(postmaster, sig); err != nil {
		return fmt.Errorf("%s postmaster: %w", sig, err)
	}
	children, err := childrenOf(postmaster)
	if err != nil {
		return err
	}
	for _, pid := range children {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("%s backend: %w", sig, err)
		}
	}
	return nil
}

// childrenOf finds the children of a process in /proc.
func childrenOf(parent int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (name) state ppid …; the name may hold anything, so what counts begins after its last bracket.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		found = append(found, pid)
	}
	return found, nil
}
