// Command stack is `make run`: the whole Dorset Care Record suite with demonstration data, on one machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// startLimit bounds bringing everything up and loading the county on a slow machine.
const startLimit = 20 * time.Minute

type command struct {
	Run   runCommand   `cmd:"" default:"withargs" help:"Build everything, bring it up, load the demonstration county, and stay up until Ctrl-C."`
	Env   envCommand   `cmd:"" help:"Print the running suite as shell variables: addresses, people and tokens to try."`
	Clean cleanCommand `cmd:"" help:"Forget what earlier runs made: data, certificates, tokens."`
}

type folders struct {
	Dir         string `default:".run" help:"Folder of the run, below the repository unless absolute."`
	DatabaseURL string `name:"database-url" env:"DATABASE_URL" help:"Superuser URL of a PostgreSQL to use instead of a private one. Its database must be empty or an earlier demonstration's."`
}

type runCommand struct {
	folders
	Replicas int `default:"1" help:"Replicas of each service and of the gateway."`
	RESTPort int `name:"rest-port" default:"8443" help:"Port of the gateway's REST surface; another is taken when it is in use."`
	GRPCPort int `name:"grpc-port" default:"9443" help:"Port of the gateway's gRPC surface; another is taken when it is in use."`
}

type cleanCommand struct{ folders }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cmd command
	k := kong.Parse(&cmd, kong.Name("stack"), kong.Description("The Dorset Care Record suite on one machine, with demonstration data."), kong.BindTo(ctx, (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "\nstack:", err)
		os.Exit(1)
	}
}

// paths are the repository's root and the folder of the run.
func (f folders) paths() (root, dir string, err error) {
	if root, err = stack.Root(); err != nil {
		return "", "", err
	}
	if dir = f.Dir; !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	return root, dir, nil
}

// Run brings everything up and waits for Ctrl-C.
func (c *runCommand) Run(ctx context.Context) (err error) {
	root, dir, err := c.paths()
	if err != nil {
		return err
	}
	bin := filepath.Join(root, ".build", "bin")
	starting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	fmt.Println("building the programs (the first time takes minutes)")
	if err := stack.Build(starting, root, bin, os.Stdout); err != nil {
		return err
	}
	s, manifest, err := stack.Demonstration(starting, stack.Config{
		Dir: dir, BinDir: bin, Replicas: c.Replicas, DatabaseURL: c.DatabaseURL,
		RESTPort: unlessTaken(c.RESTPort), GRPCPort: unlessTaken(c.GRPCPort), Out: os.Stdout,
	}, time.Now())
	if err != nil {
		return err
	}
	defer func() {
		fmt.Println("\nstopping: gateway, services, issuer, PostgreSQL")
		err = errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}()
	if err := printGuide(os.Stdout, s.ManifestFile(), manifest); err != nil {
		return err
	}
	return s.Watch(ctx)
}

// unlessTaken is the port, or 0 (any) when somebody has it.
func unlessTaken(port int) int {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // closed at once
	if err != nil {
		return 0
	}
	l.Close()
	return port
}

// Run forgets what runs made.
func (c *cleanCommand) Run(ctx context.Context) error {
	_, dir, err := c.paths()
	if err != nil {
		return err
	}
	database, err := stack.Clean(ctx, dir, c.DatabaseURL)
	if err != nil {
		return err
	}
	fmt.Println("removed", dir)
	if database {
		fmt.Println("removed the suite's schemas from the database of DATABASE_URL")
	}
	return nil
}
