package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/journal"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/register"
)

// OptOutsImport is the command that takes a register in.
type OptOutsImport struct {
	officer
	File     string `arg:"" help:"Register: CSV in UTF-8."`
	Register string `required:"" help:"Name of the register: lower-case letters, digits and hyphens. The same name again is the same register." placeholder:"NAME"`
	DryRun   bool   `name:"dry-run" help:"Have everything checked, and nothing written."`
	Report   string `help:"Write what became of each row into this file, which must not exist. In a dry run without it, that is printed." placeholder:"FILE"`
	Batch    int    `default:"100" help:"Rows in one call, 1 to 200."`
	StateDir string `name:"state-dir" help:"Folder of the journal of rows that were taken; it may be deleted." placeholder:"DIR"`
	Again    bool   `help:"Send everything, also what was taken before; that changes nothing at the other end."`
}

// Help is the longer text of --help.
func (OptOutsImport) Help() string {
	return `The first line names the columns, in any order:

  row_id,nhs_number,family_name,given_names,birth_date,postcode,choice,channel,evidence,requester,received_on

row_id is the row's own in the older system: letters, digits and signs without spaces, the same every time. Dates are YYYY-MM-DD. choice is out (or empty) or in;
channel is telephone, online, post or leaflet; requester is self (or empty), parent or attorney. nhs_number,
given_names, postcode and evidence may be empty. A cell behind an apostrophe that would otherwise begin with = + - @
is read without it.

An older scheme's opt-outs do not carry over: rows become candidates, which are matched, and change nothing until a
privacy officer confirms them, one by one or with "dcrctl opt-outs sign-off". A file that is cut off is refused whole;
a row is taken whole or not at all. An import that was cut off (Ctrl-C too) goes on where it stopped when it is
started again. What is printed names lines and no people; the report holds row ids and references, and is to be kept
like the register.

Exit code: 0 all taken, 2 some rows not taken, 1 the import failed or was interrupted.

  dcrctl opt-outs import --stack .run/stack.json --register dcr-2018 --dry-run register.csv
  dcrctl opt-outs import --gateway https://gateway.example --token-file officer.token \
      --register dcr-2018 --report report.csv register.csv`
}

// Validate refuses flags that do not go together.
func (c *OptOutsImport) Validate() error {
	if c.Batch < 1 || c.Batch > register.MaxBatch {
		return fmt.Errorf("--batch is 1 to %d", register.MaxBatch)
	}
	return c.officer.Validate()
}

// Run sends the register and prints the report.
func (c *OptOutsImport) Run(ctx context.Context, to streams) (err error) {
	rows, err := c.read()
	if err != nil {
		return err
	}
	cfg, err := c.connect(rows)
	if err != nil {
		return err
	}
	if cfg.Journal != nil {
		defer func() { err = errors.Join(err, cfg.Journal.Close()) }()
	}
	var out *os.File
	if c.Report != "" {
		if out, err = newFile(c.Report); err != nil {
			return err
		}
	}
	var report *register.Report
	failure := watched(ctx, to, cfg.Meter, func() (err error) {
		report, err = register.Import(ctx, cfg)
		return err
	})
	if err := c.tell(report, out, to); err != nil {
		return errors.Join(failure, err)
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: the same command goes on from here")
	case failure != nil:
		return fmt.Errorf("the import stopped, and goes on when started again: %w", failure)
	case report.Bad() > 0:
		return errFaulty
	}
	return nil
}

func (c *OptOutsImport) read() ([]register.Row, error) {
	file, err := os.Open(c.File)
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	defer file.Close()
	return register.Read(file)
}

// connect finds out where to send, and what was taken before.
func (c *OptOutsImport) connect(rows []register.Row) (register.Config, error) {
	cfg := register.Config{Register: c.Register, Rows: rows, DryRun: c.DryRun, Batch: c.Batch, Meter: register.NewMeter(len(rows), time.Now)}
	client, err := c.client()
	if err != nil {
		return cfg, err
	}
	cfg.Caller = client
	if c.DryRun {
		return cfg, nil // what is only checked is not taken
	}
	dir := c.StateDir
	if dir == "" {
		if dir, err = c.stateDir(); err != nil {
			return cfg, err
		}
	}
	cfg.Journal, err = journal.Open(dir, c.File, client.Gateway, c.Again)
	return cfg, err
}

// tell prints the summary, and writes the report on every row.
func (c *OptOutsImport) tell(report *register.Report, out *os.File, to streams) error {
	if report == nil {
		report = &register.Report{}
	}
	switch {
	case out != nil:
		if err := finish(out, report.WriteCSV(out)); err != nil {
			return err
		}
	case c.DryRun:
		if err := report.WriteCSV(to.out); err != nil {
			return err
		}
	}
	report.Print(to.err, c.DryRun)
	return nil
}
