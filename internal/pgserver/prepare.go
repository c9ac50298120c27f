package pgserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// data is the folder that initdb makes.
func (s *Server) data() string { return filepath.Join(s.cfg.Dir, "data") }

// passwordFile keeps the superuser's password for the next run, readable by its owner alone.
func (s *Server) passwordFile() string { return filepath.Join(s.cfg.Dir, "superuser.password") }

// prepare makes the data folder and the password, or takes them over from an earlier run.
func (s *Server) prepare(ctx context.Context) error {
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	if err := s.account.letThrough(s.cfg.Dir, s.cfg.Log); err != nil {
		return err
	}
	_, err := os.Stat(s.data())
	switch {
	case err == nil:
		return s.readPassword()
	case errors.Is(err, fs.ErrNotExist):
		return s.create(ctx)
	default:
		return err
	}
}

// readPassword takes over the password of an earlier run.
func (s *Server) readPassword() error {
	text, err := os.ReadFile(s.passwordFile())
	if err != nil {
		return fmt.Errorf("the folder holds a database but not its password: %w", err)
	}
	s.password = strings.TrimSpace(string(text))
	return s.account.own(s.cfg.Dir)
}

// create runs initdb into a folder beside and renames it when whole, so that a run that was cut off
// in the middle leaves nothing that looks like a database.
func (s *Server) create(ctx context.Context) error {
	s.password = rand.Text()
	if err := os.WriteFile(s.passwordFile(), []byte(s.password+"\n"), 0o600); err != nil {
		return err
	}
	unfinished := s.data() + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := s.account.own(s.cfg.Dir); err != nil {
		return err
	}
	fmt.Fprintf(s.cfg.Log, "pgserver: making a PostgreSQL %d database in %s\n", s.binaries.Major, s.cfg.Dir)
	if err := s.initdb(ctx, unfinished); err != nil {
		return err
	}
	return os.Rename(unfinished, s.data())
}

// initdb makes a cluster that asks everybody for a password, over every kind of connection.
func (s *Server) initdb(ctx context.Context, folder string) error {
	args := []string{
		"-D", folder, "-U", superuser, "--pwfile", s.passwordFile(), "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums",
	}
	if s.cfg.Throwaway {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, s.binaries.path("initdb"), args...)
	cmd.Dir = s.cfg.Dir
	cmd.SysProcAttr = s.account.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(string(out), 5))
	}
	return nil
}

// lastLines is the end of a program's output, for an error text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
