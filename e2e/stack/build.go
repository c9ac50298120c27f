package stack

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// programs are the binaries of a run, by the folder of the repository that each is built from.
var programs = []struct{ name, pkg string }{
	{"audit-svc", "./audit-svc"},
	{"identity-svc", "./identity-svc"},
	{"record-svc", "./record-svc"},
	{"optout-svc", "./optout-svc"},
	{"gateway", "./gateway"},
	{"dcrctl", "./dcrctl"},
	{"issuer", "./e2e/cmd/issuer"},
}

// Build compiles every program of the suite into dir and says what it does. Only tests that kill processes at
// named steps give tags ("failpoints").
func Build(ctx context.Context, root, dir string, out io.Writer, tags ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range programs {
		start := time.Now()
		cmd := exec.CommandContext(ctx, "go", "build", "-tags", strings.Join(tags, ","), "-o", filepath.Join(dir, p.name), p.pkg)
		cmd.Dir = root
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p.name, err, text)
		}
		fmt.Fprintf(out, "  built %-13s %5.1fs\n", p.name, time.Since(start).Seconds())
	}
	return nil
}

// Root finds the folder of the repository, above the working directory, by its go.work.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.work above the working directory: run this inside the repository")
		}
		dir = parent
	}
}
