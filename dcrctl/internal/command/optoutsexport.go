package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/register"
)

// OptOutsExport is the command that writes who is opted out.
type OptOutsExport struct {
	officer
	File string `arg:"" help:"File to write, which must not exist."`
}

// Help is the longer text of --help.
func (OptOutsExport) Help() string {
	return `The file has the shape that "dcrctl opt-outs import" reads; row_id is the request's reference. It names people: only
its owner may read it. Each person in it is an event in the audit log.

  dcrctl opt-outs export --stack .run/stack.json opted-out.csv
  dcrctl opt-outs export --gateway https://gateway.example --token-file officer.token opted-out.csv`
}

// Run writes the file, or none.
func (c *OptOutsExport) Run(ctx context.Context, to streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	file, err := newFile(c.File)
	if err != nil {
		return err
	}
	meter, rows := register.NewMeter(0, time.Now), 0
	err = watched(ctx, to, meter, func() (err error) {
		rows, err = register.Export(ctx, client, file, meter)
		return err
	})
	if err := finish(file, err); err != nil {
		return err
	}
	fmt.Fprintf(to.out, "%d people are opted out\n", rows)
	return nil
}

// OptOutsSignOff is the command that confirms candidates.
type OptOutsSignOff struct {
	officer
	Register string `required:"" help:"Name of the register." placeholder:"NAME"`
	Ready    int    `required:"" help:"How many ready candidates you have seen (dcrctl opt-outs status). When another number is ready, nothing is confirmed." placeholder:"N"`
	Note     string `required:"" help:"On what the sign-off rests. It is kept with each request." placeholder:"TEXT"`
}

// Help is the longer text of --help.
func (OptOutsSignOff) Help() string {
	return `Makes every ready candidate of the register effective: those people's records are sealed. Candidates that wait for a
match or for evidence stay as they are. A sign-off that was cut off is started again with the number that is then ready.

  dcrctl opt-outs status --stack .run/stack.json --register dcr-2018
  dcrctl opt-outs sign-off --stack .run/stack.json --register dcr-2018 --ready 812 --note "Caldicott decision 2026/12"`
}

// Validate refuses what cannot be.
func (c *OptOutsSignOff) Validate() error {
	const most = 1 << 30
	if c.Ready < 1 || c.Ready > most {
		return errors.New("--ready is at least 1: nothing is ready to be signed off")
	}
	return c.officer.Validate()
}

// Run confirms them.
func (c *OptOutsSignOff) Run(ctx context.Context, to streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	meter := register.NewMeter(c.Ready, time.Now)
	var done register.Signed
	failure := watched(ctx, to, meter, func() (err error) {
		done, err = register.SignOff{Caller: client, Register: c.Register, Ready: c.Ready, Note: c.Note, NewID: newID, Meter: meter}.Run(ctx)
		return err
	})
	fmt.Fprintf(to.out, "%d made effective, %d opted out already, %d ready are left\n", done.Effective, done.Duplicates, done.Left)
	return failure
}

func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}
