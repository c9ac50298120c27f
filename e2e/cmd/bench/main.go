// Command bench is `make bench`: it measures the suite beside the bare thing and prints the tables of
// docs/performance.md. A few minutes, bounded.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/e2e/bench"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
	"github.com/dorsetcarerecord/dcr/internal/devcert"
)

// limit bounds the whole run.
const limit = 20 * time.Minute

type command struct {
	Run      runCommand  `cmd:"" default:"withargs" help:"Measure everything and print the tables."`
	Bare     bareCommand `cmd:"" help:"The bare service that the suite is measured beside."`
	OpenDoor doorCommand `cmd:"" help:"Records without any check: what the checks are measured beside."`
}

type runCommand struct {
	Length time.Duration `default:"3s" help:"Length of one round of one case."`
}

type served struct {
	Listen  string `required:"" help:"Address to serve on."`
	CertDir string `name:"cert-dir" required:"" help:"Folder of the development certificates."`
}

type bareCommand struct {
	served
	DatabaseURL string `name:"database-url" required:"" help:"PostgreSQL with the bench's tables."`
}

type doorCommand struct {
	served
	RecordTarget string `name:"record-target" required:"" help:"Where record-svc is."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cmd command
	k := kong.Parse(&cmd, kong.Name("bench"), kong.Description("Measures the Dorset Care Record suite."), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Run measures.
func (c *runCommand) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	root, err := stack.Root()
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bin := filepath.Join(root, ".build", "bin")
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	say("building the programs")
	if err := stack.Build(ctx, root, bin, os.Stderr); err != nil {
		return err
	}
	dir := filepath.Join(root, ".build", "bench")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	s, err := bench.Start(ctx, dir, bin, self, say)
	if err != nil {
		return err
	}
	defer s.Stop(ctx)
	say("measuring: three rounds of every case, %s each", c.Length)
	return s.All(ctx, os.Stdout, c.Length)
}

func (s served) certificate() (tls.Certificate, error) {
	return tls.LoadX509KeyPair(devcert.CertFile(s.CertDir, devcert.PublicName), devcert.KeyFile(s.CertDir, devcert.PublicName))
}

// Run serves.
func (c *bareCommand) Run(ctx context.Context) error {
	cert, err := c.certificate()
	if err != nil {
		return err
	}
	return bench.Bare(ctx, c.Listen, c.DatabaseURL, cert)
}

// Run serves.
func (c *doorCommand) Run(ctx context.Context) error {
	cert, err := c.certificate()
	if err != nil {
		return err
	}
	return bench.OpenDoor(ctx, c.Listen, c.RecordTarget, c.CertDir, cert)
}
