package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// OldestMajor is the oldest PostgreSQL major version that the suite supports.
const OldestMajor = 14

// ErrNotFound says that no usable PostgreSQL is on this machine. Its text tells what to do.
var ErrNotFound = errors.New("no PostgreSQL 14 or later was found in /usr/lib/postgresql/*/bin or on PATH: " +
	"install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql), " +
	"or point at a server of your own with DATABASE_URL")

// Binaries are the PostgreSQL programs that were found.
type Binaries struct {
	Dir   string // folder that holds initdb and postgres
	Major int    // major version, such as 15
}

// path gives the full path of one program.
func (b Binaries) path(program string) string { return filepath.Join(b.Dir, program) }

// Find returns the newest PostgreSQL of this machine that is at least OldestMajor. The folders where
// Debian puts versions side by side are looked at first, then PATH; ErrNotFound when there is none.
func Find(ctx context.Context) (Binaries, error) {
	return find(ctx, "/usr/lib/postgresql/*/bin")
}

// find is Find with the folders as a parameter, so that a test can offer an empty machine.
func find(ctx context.Context, pattern string) (Binaries, error) {
	folders, err := filepath.Glob(pattern)
	if err != nil {
		return Binaries{}, fmt.Errorf("find postgresql: %w", err)
	}
	if onPath, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(onPath); err == nil {
			folders = append(folders, filepath.Dir(real))
		}
	}
	var best Binaries
	for _, folder := range folders {
		if major := majorVersion(ctx, folder); major >= OldestMajor && major > best.Major {
			best = Binaries{Dir: folder, Major: major}
		}
	}
	if best.Major == 0 {
		return Binaries{}, ErrNotFound
	}
	return best, nil
}

// versionText matches what `postgres --version` prints, vendors' suffixes included.
var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorVersion asks the server program of a folder for its version; 0 when the folder is not usable.
func majorVersion(ctx context.Context, folder string) int {
	if _, err := os.Stat(filepath.Join(folder, "initdb")); err != nil {
		return 0
	}
	out, err := exec.CommandContext(ctx, filepath.Join(folder, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	found := versionText.FindSubmatch(out)
	if found == nil {
		return 0
	}
	major, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return 0
	}
	return major
}

// Install installs PostgreSQL from the system's packages and prints to log what it does while it
// does it. It needs root and apt-get; without them it returns ErrNotFound with its advice.
func Install(ctx context.Context, log io.Writer) error {
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return ErrNotFound
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "--no-install-recommends", "postgresql"}} {
		fmt.Fprintf(log, "pgserver: running apt-get %v\n", args)
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", args[0], err)
		}
	}
	return nil
}
