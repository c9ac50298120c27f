package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/credential"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/feed"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/folder"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/journal"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/load"
)

// Import is the command that sends a folder.
type Import struct {
	Dir string `arg:"" help:"Folder of FHIR R4 transaction bundles: <NHS number>/<ODS code>.json, <ODS code>.json or <anything>.<ODS code>.json."`

	Stack string `help:"Take gateway, authorities and every sender's token from this file of the one-command run (.run/stack.json)." group:"Where to" placeholder:"FILE"`

	Gateway          string   `help:"URL of the gateway." group:"Where to" placeholder:"URL"`
	CAFile           string   `name:"ca-file" help:"PEM authorities of gateway and issuer; the system's when left out." group:"Where to" placeholder:"FILE"`
	Sender           string   `help:"ODS code of the organisation that the client is bound to. Bundles of other senders are left out." group:"Where to" placeholder:"ODS"`
	Issuer           string   `help:"URL of the OpenID Connect issuer." group:"Where to" placeholder:"URL"`
	ClientID         string   `name:"client-id" help:"Client that the issuer knows." group:"Where to" placeholder:"ID"`
	ClientSecretFile string   `name:"client-secret-file" help:"File that holds the client's secret." group:"Where to" placeholder:"FILE"`
	Scope            []string `help:"Scope to ask the issuer for; may be repeated." group:"Where to"`

	Parallel  int    `default:"4" help:"People whose bundles are on their way at once, 1 to 64."`
	Attempts  int    `default:"10" help:"Attempts for each bundle while the gateway is busy or away."`
	StateDir  string `name:"state-dir" help:"Folder of the journal of bundles that were taken; it may be deleted. Beside stack.json, or in the user's state folder, when left out." placeholder:"DIR"`
	Again     bool   `help:"Send everything, also what was taken before; that changes nothing at the other end."`
	ShowPaths bool   `name:"show-paths" help:"Print whole paths in the report. They name people: not for a screen that others see, nor for a log."`
}

// Help is the longer text of --help.
func (Import) Help() string {
	return `The sender of a bundle is the ODS code at the end of its file's name. A bundle is taken whole or not at all.
An import that was cut off (Ctrl-C too) goes on where it stopped when it is started again. Bundles that were
refused are listed by reason at the end, and are sent again by the next import. Paths are shown without the
names of people.

Exit code: 0 all taken, 2 some refused, 1 the import failed or was interrupted.

  dcrctl import --stack .run/stack.json ../shared/data/synthea-dorset
  dcrctl import --gateway https://gateway.example --sender RDY \
      --issuer https://issuer.example --client-id feed-rdy --client-secret-file rdy.secret feeds/`
}

// Validate refuses flags that do not go together.
func (c *Import) Validate() error {
	client := c.Gateway != "" || c.Sender != "" || c.Issuer != "" || c.ClientID != "" || c.ClientSecretFile != "" || c.CAFile != "" || len(c.Scope) > 0
	switch {
	case c.Stack != "" && client:
		return errors.New("--stack stands alone: it says where to send and with which tokens")
	case c.Stack == "" && (c.Gateway == "" || c.Sender == "" || c.Issuer == "" || c.ClientID == "" || c.ClientSecretFile == ""):
		return errors.New("needed: --stack, or all of --gateway, --sender, --issuer, --client-id and --client-secret-file")
	case c.Parallel < 1 || c.Parallel > 64:
		return errors.New("--parallel is 1 to 64")
	case c.Attempts < 1:
		return errors.New("--attempts is at least 1")
	}
	return nil
}

// Run sends the folder and prints the report.
func (c *Import) Run(ctx context.Context, to streams) (err error) {
	files, err := folder.Open(ctx, c.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	if len(files.Bundles) == 0 {
		return errors.New("the folder holds no .json files")
	}
	cfg, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cfg.Journal.Close()) }()
	cfg.Folder = files
	cfg.Meter = load.NewMeter(len(files.Bundles), files.Bytes, time.Now)
	result, failure := c.load(ctx, cfg, to)
	result.Print(to.out, c.ShowPaths)
	switch {
	case errors.Is(failure, load.ErrInterrupted):
		return fmt.Errorf("%w: the same command goes on from here", failure)
	case failure != nil:
		return fmt.Errorf("the import stopped, and goes on when started again: %w", failure)
	case len(result.Failed) > 0:
		return errors.New("some bundles failed")
	case len(result.Refused) > 0:
		return errRefused
	}
	return nil
}

// load runs the import while its progress is shown.
func (c *Import) load(ctx context.Context, cfg load.Config, to streams) (*load.Result, error) {
	showing, hide := context.WithCancel(context.WithoutCancel(ctx))
	var shown sync.WaitGroup
	shown.Go(func() { cfg.Meter.Show(showing, to.err, isTerminal(to.err)) })
	defer shown.Wait()
	defer hide()
	return load.Run(ctx, cfg)
}

// connect finds out where to send, as whom, and what was sent before.
func (c *Import) connect(ctx context.Context) (load.Config, error) {
	cfg := load.Config{OnlySender: c.Sender, Parallel: c.Parallel, Attempts: c.Attempts, Wait: wait}
	gateway, caFile, stateDir := c.Gateway, c.CAFile, c.StateDir
	if c.Stack != "" {
		stack, err := credential.ReadStack(c.Stack)
		if err != nil {
			return cfg, err
		}
		gateway, caFile, cfg.Tokens = stack.GatewayURL, stack.CAFile, stack
		if stateDir == "" { // so that it is forgotten with the stack's data
			stateDir = filepath.Join(filepath.Dir(c.Stack), "import")
		}
	}
	client, err := credential.HTTP(caFile)
	if err != nil {
		return cfg, err
	}
	if cfg.Client, err = feed.New(gateway, client, time.Now); err != nil {
		return cfg, err
	}
	if cfg.Tokens == nil {
		cfg.Tokens, err = credential.NewClient(ctx, credential.ClientConfig{
			ODSCode: c.Sender, Issuer: c.Issuer, ID: c.ClientID, SecretFile: c.ClientSecretFile, Scopes: c.Scope, HTTP: client})
		if err != nil {
			return cfg, err
		}
	}
	if stateDir == "" {
		if stateDir, err = userState(); err != nil {
			return cfg, err
		}
	}
	cfg.Journal, err = journal.Open(stateDir, c.Dir, gateway, c.Again)
	return cfg, err
}

// userState is where programs of this user keep what may be lost.
func userState() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "dcrctl"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("no home folder: --state-dir says where the journal goes")
	}
	return filepath.Join(home, ".local", "state", "dcrctl"), nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// isTerminal tells whether somebody watches.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
