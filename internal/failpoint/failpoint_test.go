package failpoint_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const program = `package main

import "github.com/dorsetcarerecord/dcr/internal/failpoint"

func main() {
	for range 3 {
		failpoint.Hit("test.step")
		println("passed")
	}
}
`

// build makes the program with those tags, inside this module so that it may import the room.
func build(t *testing.T, tags string) string {
	t.Helper()
	dir, err := os.MkdirTemp(".", "program-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "program")
	if text, err := exec.Command("go", "build", "-tags", tags, "-o", binary, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return binary
}

// run runs the program and counts the steps that it passed.
func run(binary, points string) (passed int, err error) {
	var out bytes.Buffer
	cmd := exec.Command(binary)
	cmd.Env, cmd.Stderr = append(os.Environ(), "DCR_FAILPOINTS="+points), &out
	err = cmd.Run()
	return strings.Count(out.String(), "passed"), err
}

func TestHit(t *testing.T) {
	t.Parallel()
	on, off := build(t, "failpoints"), build(t, "")
	for name, c := range map[string]struct {
		binary, points string
		passed, code   int
		killed         bool
	}{
		"first hit":            {on, "test.step=kill", 0, -1, true},
		"third hit":            {on, "other=kill; test.step=kill@3", 2, -1, true},
		"never so often":       {on, "test.step=kill@4", 3, 0, false},
		"another name":         {on, "other=kill", 3, 0, false},
		"none":                 {on, "", 3, 0, false},
		"an action unknown":    {on, "test.step=explode", 0, 2, false},
		"not a count":          {on, "test.step=kill@0", 0, 2, false},
		"no action":            {on, "test.step", 0, 2, false},
		"built without points": {off, "test.step=kill", 3, 0, false},
	} {
		passed, err := run(c.binary, c.points)
		code, killed := 0, false
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			code = exit.ExitCode()
			killed = exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		}
		if passed != c.passed || code != c.code || killed != c.killed {
			t.Errorf("%s: passed %d, code %d, killed %v; want %d, %d, %v", name, passed, code, killed, c.passed, c.code, c.killed)
		}
	}
}
