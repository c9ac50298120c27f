package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// superuser is the name of the server's superuser.
const superuser = "postgres"

// Config says where and how to run a server.
type Config struct {
	// Dir holds everything of the server and is made when missing. A folder that an earlier run made
	// is used again, with its data and its password.
	Dir string
	// Port on 127.0.0.1; 0 picks a free one.
	Port int
	// Log receives the server's log and what this package does; nil discards it.
	Log io.Writer
	// Settings are server parameters by name that override the ones chosen here.
	Settings map[string]string
	// Throwaway gives up durability for speed. For tests whose data nobody will miss; never for a
	// test that crashes the server, and never for the stack.
	Throwaway bool
	// Install lets a root caller install PostgreSQL from the system's packages when there is none.
	Install bool
}

// Server is a running private PostgreSQL. Its methods may be called from several goroutines, but
// Stop, Kill and Restart one at a time.
type Server struct {
	cfg      Config
	binaries Binaries
	account  *account
	password string
	port     int

	mu      sync.Mutex
	process *process
}

// Start finds PostgreSQL, makes the data directory unless it is there, starts the server and returns
// once it answers. The context bounds the start alone; the server then runs until Stop, or until
// this process ends in whatever way. Errors carry the last lines that the server printed.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil || cfg.Dir == "" {
		return nil, fmt.Errorf("private postgresql: bad folder %q", cfg.Dir)
	}
	cfg.Dir = dir
	s := &Server{cfg: cfg, port: cfg.Port}
	if s.binaries, err = locate(ctx, cfg); err != nil {
		return nil, err
	}
	if s.account, err = serverAccount(); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, fmt.Errorf("private postgresql in %s: %w", dir, err)
	}
	if err := s.launch(ctx); err != nil {
		return nil, fmt.Errorf("private postgresql in %s: %w", dir, err)
	}
	return s, nil
}

// locate finds the binaries, installing them when that is allowed.
func locate(ctx context.Context, cfg Config) (Binaries, error) {
	found, err := Find(ctx)
	if !errors.Is(err, ErrNotFound) || !cfg.Install {
		return found, err
	}
	if err := Install(ctx, cfg.Log); err != nil {
		return Binaries{}, err
	}
	return Find(ctx)
}

// URL is the superuser's connection URL for a database of this server. It carries a password: do
// not print it.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, s.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable", // loopback only: the server listens nowhere else
	}
	return u.String()
}

// Port is the port on 127.0.0.1 that the server listens on; it stays the same over Restart.
func (s *Server) Port() int { return s.port }

// PID is the process id of the postmaster, for tests that freeze it; 0 when it does not run.
func (s *Server) PID() int {
	if p := s.current(); p != nil {
		return p.pid
	}
	return 0
}

// Stop shuts the server down fast (open transactions are rolled back) and waits for it. When the
// context ends first it is shut down at once, which costs recovery at the next start but no data.
func (s *Server) Stop(ctx context.Context) error {
	p := s.current()
	if p == nil {
		return nil
	}
	s.set(nil)
	p.signal(syscall.SIGINT)
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	p.signal(syscall.SIGQUIT)
	// A frozen process takes no SIGQUIT; nothing resists SIGKILL.
	p.awaitOrKill()
	return fmt.Errorf("stop private postgresql: %w", context.Cause(ctx))
}

// Kill ends the postmaster with SIGKILL, as a crash would, and waits until it is gone.
func (s *Server) Kill() error {
	p := s.current()
	if p == nil {
		return nil
	}
	s.set(nil)
	p.signal(syscall.SIGKILL)
	<-p.done
	return nil
}

// Restart stops the server if it runs and starts it again on the same data and port. After Kill it
// is the start that follows a crash.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("restart private postgresql: %w", err)
	}
	return nil
}

// current is the running process, nil when there is none.
func (s *Server) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *Server) set(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.process = p
}

// arguments are the server's command line: our choices first, so that the caller's override them.
func (s *Server) arguments() []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(s.port),
		"unix_socket_directories": "", // a socket's path may be too long below a test's folder
		"max_connections":         "300",
		"lc_messages":             "C",
		// Nothing personal in logs: a failing statement's text, values and detail stay out.
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
	}
	if s.cfg.Throwaway {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	for name, value := range s.cfg.Settings {
		settings[name] = value
	}
	args := []string{"-D", s.data()}
	for name, value := range settings {
		args = append(args, "-c", strings.ReplaceAll(name, "-", "_")+"="+value)
	}
	return args
}
