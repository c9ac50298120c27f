package pgserver

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq"
)

// orphanEnv makes the test binary act as a parent that starts a server and is then killed.
const orphanEnv = "DCR_PGSERVER_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(orphanEnv); dir != "" {
		actAsParent(dir)
	}
	os.Exit(m.Run())
}

// actAsParent starts a server, prints its process id and waits to be killed.
func actAsParent(dir string) {
	server, err := Start(context.Background(), Config{Dir: dir, Throwaway: true, Log: os.Stderr})
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString(strconv.Itoa(server.PID()) + "\n")
	select {}
}

// limit bounds a test's waits.
func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func query(ctx context.Context, t *testing.T, s *Server, text string) string {
	t.Helper()
	db, err := sql.Open("postgres", s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var answer string
	if err := db.QueryRowContext(ctx, text).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return answer
}

func TestServerLives(t *testing.T) {
	ctx := limit(t)
	dir := filepath.Join(t.TempDir(), "pg")
	var log bytes.Buffer
	server, err := Start(ctx, Config{Dir: dir, Log: &log, Settings: map[string]string{"max_connections": "17"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	if got := query(ctx, t, server, "SHOW fsync"); got != "on" {
		t.Errorf("fsync = %s in the default run, want on", got)
	}
	if got := query(ctx, t, server, "SHOW max_connections"); got != "17" {
		t.Errorf("max_connections = %s, want the setting", got)
	}

	t.Run("wrong password is refused", func(t *testing.T) {
		db, err := sql.Open("postgres", strings.Replace(server.URL("postgres"), server.password, "wrong", 1))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.PingContext(ctx); err == nil {
			t.Error("anyone on this machine is superuser")
		}
	})

	t.Run("a crash loses nothing and the port stays", func(t *testing.T) {
		exec1(ctx, t, server, "CREATE TABLE kept (n int)")
		exec1(ctx, t, server, "INSERT INTO kept VALUES (42)")
		port := server.Port()
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		if got := query(ctx, t, server, "SELECT n::text FROM kept"); got != "42" {
			t.Errorf("after a crash: %s", got)
		}
		if server.Port() != port {
			t.Errorf("port moved from %d to %d", port, server.Port())
		}
	})

	t.Run("a second run uses the folder again", func(t *testing.T) {
		if err := server.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		again, err := Start(ctx, Config{Dir: dir, Log: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = again.Stop(ctx) }()
		if got := query(ctx, t, again, "SELECT n::text FROM kept"); got != "42" {
			t.Errorf("second run: %s", got)
		}
		if _, err := Start(ctx, Config{Dir: dir, Log: io.Discard}); err == nil {
			t.Error("two servers on one folder")
		}
	})
}

func exec1(ctx context.Context, t *testing.T, s *Server, text string) {
	t.Helper()
	db, err := sql.Open("postgres", s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// TestDiesWithParent kills a parent with SIGKILL, which can run no handler, and awaits the server's end.
func TestDiesWithParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), orphanEnv+"="+filepath.Join(t.TempDir(), "pg"))
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 16)
	n, err := out.Read(line)
	if err != nil {
		t.Fatalf("parent said nothing: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	for ctx := limit(t); syscall.Kill(pid, 0) == nil; {
		if err := wait(ctx, pollEvery); err != nil {
			_ = syscall.Kill(pid, syscall.SIGQUIT)
			t.Fatal("the server outlived its parent")
		}
	}
}

func TestFindOnEmptyMachine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := find(limit(t), filepath.Join(t.TempDir(), "*"))
	if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Errorf("got %v, want advice", err)
	}
}

func TestFindTakesNewestAndRefusesOld(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	root := t.TempDir()
	for _, major := range []string{"9", "13", "14", "18", "17"} {
		fake(t, filepath.Join(root, major), "postgres (PostgreSQL) "+major+".3 (Debian)")
	}
	if got, err := find(limit(t), filepath.Join(root, "*")); err != nil || got.Major != 18 {
		t.Errorf("found %+v, %v; want 18", got, err)
	}
	if got, err := find(limit(t), filepath.Join(root, "13")); !errors.Is(err, ErrNotFound) {
		t.Errorf("found %+v, %v; want 13 refused", got, err)
	}
}

// fake makes a folder with programs that only print a version.
func fake(t *testing.T, dir, version string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho '" + version + "'\n"
	for _, program := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
