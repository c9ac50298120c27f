package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/api"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/credential"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/progress"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/register"
)

// OptOuts holds the commands about registers of opt-outs. All of them act for a privacy officer.
type OptOuts struct {
	Import  OptOutsImport  `cmd:"" help:"Take the register of an older system in, as candidates that change nothing yet."`
	Status  OptOutsStatus  `cmd:"" help:"Tell how far the candidates of a register are."`
	SignOff OptOutsSignOff `cmd:"" name:"sign-off" help:"Confirm the ready candidates of a register, as a batch."`
	Export  OptOutsExport  `cmd:"" help:"Write who is opted out now into a file of the same shape."`
}

// errFaulty means that everything was sent, and some rows were not taken.
var errFaulty = errors.New("some rows were not taken")

// privacyOfficer is the role code of a privacy officer (DOMAIN section 3).
const privacyOfficer = "R0001"

// officer are the flags that say where the gateway is, and as whom to call it.
type officer struct {
	Stack     string `help:"Take gateway, authorities and a privacy officer's token from this file of the one-command run (.run/stack.json)." group:"Where to" placeholder:"FILE"`
	Gateway   string `help:"URL of the gateway." group:"Where to" placeholder:"URL"`
	CAFile    string `name:"ca-file" help:"PEM authorities of the gateway; the system's when left out." group:"Where to" placeholder:"FILE"`
	TokenFile string `name:"token-file" help:"File that holds a privacy officer's access token; read again when it was renewed." group:"Where to" placeholder:"FILE"`
	Attempts  int    `default:"10" help:"Attempts for each call while the gateway is busy or away." group:"Where to"`
}

// Validate refuses flags that do not go together.
func (o *officer) Validate() error {
	alone := o.Gateway == "" && o.CAFile == "" && o.TokenFile == ""
	switch {
	case o.Stack != "" && !alone:
		return errors.New("--stack stands alone: it says where to call, and as whom")
	case o.Stack == "" && (o.Gateway == "" || o.TokenFile == ""):
		return errors.New("needed: --stack, or both --gateway and --token-file")
	case o.Attempts < 1:
		return errors.New("--attempts is at least 1")
	}
	return nil
}

// client makes the client.
func (o *officer) client() (*api.Client, error) {
	cfg := api.Config{Gateway: o.Gateway, Tokens: credential.StaffFile(o.TokenFile), Attempts: o.Attempts, Wait: wait, Now: time.Now}
	caFile := o.CAFile
	if o.Stack != "" {
		stack, err := credential.ReadStack(o.Stack)
		if err != nil {
			return nil, err
		}
		cfg.Gateway, caFile = stack.GatewayURL, stack.CAFile
		if cfg.Tokens, err = stack.StaffToken(privacyOfficer); err != nil {
			return nil, err
		}
	}
	var err error
	if cfg.HTTP, err = credential.HTTP(caFile); err != nil {
		return nil, err
	}
	return api.New(cfg)
}

// stateDir is where the journal goes when nobody says so: beside the stack's data, so that it is forgotten with it,
// or in the user's state folder.
func (o *officer) stateDir() (string, error) {
	if o.Stack != "" {
		return filepath.Join(filepath.Dir(o.Stack), "import"), nil
	}
	return userState()
}

// watched runs something while its progress is shown.
func watched(ctx context.Context, to streams, meter *register.Meter, do func() error) error {
	showing, hide := context.WithCancel(context.WithoutCancel(ctx))
	var shown sync.WaitGroup
	shown.Go(func() { progress.Show(showing, to.err, isTerminal(to.err), meter.Line) })
	defer shown.Wait()
	defer hide()
	return do()
}

// OptOutsStatus is the command that tells how far a register is.
type OptOutsStatus struct {
	officer
	Register string `required:"" help:"Name of the register." placeholder:"NAME"`
}

// Help is the longer text of --help.
func (OptOutsStatus) Help() string {
	return `Candidates are ready once they are matched to one person and nothing is outstanding but a privacy officer's
word. Those that wait are in the queue: GET /v1/opt-outs?register=NAME.

  dcrctl opt-outs status --stack .run/stack.json --register dcr-2018
  dcrctl opt-outs status --gateway https://gateway.example --token-file officer.token --register dcr-2018`
}

// Run prints the counts.
func (c *OptOutsStatus) Run(ctx context.Context, to streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	p, err := register.Progress(ctx, client, c.Register)
	if err != nil {
		return err
	}
	fmt.Fprintf(to.out, "%d candidates: %d ready to be signed off, %d waiting, %d effective, %d ended\n",
		p.GetCandidates(), p.GetReady(), p.GetWaiting(), p.GetEffective(), p.GetEnded())
	return nil
}

// newFile opens a file that must not exist, for its owner alone: it holds people.
func newFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s is there already: it is not written over", path)
	}
	return f, err
}

// finish ends the writing of a file, which is whole or not there.
func finish(f *os.File, err error) error {
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
