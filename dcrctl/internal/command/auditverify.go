package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/credential"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/durable"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/live"
)

// AuditVerify is the command that checks something about the log.
type AuditVerify struct {
	Path string `arg:"" optional:"" help:"A receipt (file) or an export (folder). Checked offline."`

	URL      string `name:"url" help:"The live log: URL above its checkpoint, such as https://gateway.example/tlog." group:"The live log" placeholder:"URL"`
	CAFile   string `name:"ca-file" help:"PEM authorities of the gateway; the system's when left out." group:"The live log" placeholder:"FILE"`
	Remember string `help:"File with the checkpoint that was seen last time: the log must have grown from it. It is replaced when all is well, and made when missing." group:"The live log" placeholder:"FILE"`
	Whole    bool   `help:"Read every tile and compute the tree anew, not only what ties the two checkpoints together." group:"The live log"`

	Show bool `help:"Print the event of a receipt whole. It is about people: not for a screen that others see."`

	trusted
}

// Help is the longer text of --help.
func (AuditVerify) Help() string {
	return `A receipt proves that one event is in the log; an export, that all its events are, as they were stored; the live log
with --remember, that it only grew since you looked last. Nothing but the log's public key is believed, which
should have reached you on another way than the log.

Exit code: 0 true, 2 not true, 1 it could not be checked.

  dcrctl audit verify --key-file log.pub receipt.txt
  dcrctl audit verify --key-file log.pub --witness-key "$(cat witness.pub)" export/
  dcrctl audit verify --key-file log.pub --url https://gateway.example/tlog --remember seen.txt`
}

// Validate refuses flags that do not go together.
func (c *AuditVerify) Validate() error {
	switch {
	case (c.Path == "") == (c.URL == ""):
		return errors.New("needed: a receipt or an export, or the --url of a log")
	case c.URL == "" && (c.Remember != "" || c.Whole || c.CAFile != ""):
		return errors.New("--remember, --whole and --ca-file go with --url")
	}
	return nil
}

// Run checks, and says what was found.
func (c *AuditVerify) Run(ctx context.Context, to streams) error {
	trust, err := c.trust()
	if err != nil {
		return err
	}
	if c.URL != "" {
		return c.live(ctx, trust, to)
	}
	info, err := os.Stat(c.Path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return c.export(trust, to)
	}
	return c.receipt(trust, to)
}

func (c *AuditVerify) receipt(trust *verify.Trust, to streams) error {
	data, err := os.ReadFile(c.Path)
	if err != nil {
		return err
	}
	r, err := verify.ParseReceipt(data)
	if err != nil {
		return untrue(err)
	}
	signed, err := r.Verify(trust)
	if err != nil {
		return untrue(err)
	}
	e := &auditv1.Event{}
	if err := proto.Unmarshal(r.Event, e); err != nil {
		return fmt.Errorf("%w: the event is in the log, and is no event", errUntrue)
	}
	fmt.Fprintf(to.out, "True: event %s (%s) is leaf %d of the log\n%s\n", e.GetId(), e.GetAction(), r.Index, describe(signed))
	if c.Show {
		fmt.Fprintln(to.out, protojson.MarshalOptions{Multiline: true, UseProtoNames: true}.Format(e))
	}
	return nil
}

func (c *AuditVerify) export(trust *verify.Trust, to streams) error {
	say := every(time.Second, time.Now, func(n int64) { fmt.Fprintf(to.err, "  %d events checked\n", n) })
	report, err := verify.CheckExport(os.DirFS(c.Path), trust, say)
	if err != nil {
		return untrue(err)
	}
	part := fmt.Sprintf("part of the log, leaves %d to %d", report.First, report.Last)
	if report.Whole() {
		part = "the whole log as it was at that checkpoint"
	}
	fmt.Fprintf(to.out, "True: %d events, %s\n%s\n", report.Events, part, describe(report.Checkpoint))
	return nil
}

func (c *AuditVerify) live(ctx context.Context, trust *verify.Trust, to streams) error {
	client, err := credential.HTTP(c.CAFile)
	if err != nil {
		return err
	}
	log, err := live.New(c.URL, client, wait)
	if err != nil {
		return err
	}
	message, err := log.Checkpoint(ctx)
	if err != nil {
		return err
	}
	now, err := trust.Open(message)
	if err != nil {
		return untrue(err)
	}
	if err := c.grown(ctx, log, trust, now, to); err != nil {
		return wrongTiles(untrue(err))
	}
	if c.Whole {
		say := every(time.Second, time.Now, func(n int64) { fmt.Fprintf(to.err, "  %d of %d leaves read\n", n, now.Size) })
		if err := log.Whole(ctx, now.Checkpoint, say); err != nil {
			return wrongTiles(err)
		}
		fmt.Fprintln(to.out, "Its tiles are the tree that it signed.")
	}
	fmt.Fprintf(to.out, "True: %s\n", describe(now))
	if c.Remember == "" {
		return nil
	}
	return durable.Write(c.Remember, message)
}

// grown compares the log with what it was.
func (c *AuditVerify) grown(ctx context.Context, log *live.Log, trust *verify.Trust, now *verify.Signed, to streams) error {
	if c.Remember == "" {
		return nil
	}
	seen, err := os.ReadFile(c.Remember)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(to.out, "Nothing was remembered: compared with nothing.")
		return nil
	}
	if err != nil {
		return err
	}
	before, err := trust.Open(seen)
	if err != nil {
		return fmt.Errorf("the checkpoint in %s: %w", c.Remember, err)
	}
	proof, err := log.Prove(ctx, before.Size, now.Checkpoint)
	if err != nil {
		return err
	}
	if err := verify.CheckConsistency(before.Checkpoint, now.Checkpoint, proof); err != nil {
		return err
	}
	fmt.Fprintf(to.out, "It only grew: %d leaves were seen before, %d are there now.\n", before.Size, now.Size)
	return nil
}

// wrongTiles makes tiles that are not the tree a finding, not a failure.
func wrongTiles(err error) error {
	if errors.Is(err, live.ErrTiles) {
		return fmt.Errorf("%w: %w", errUntrue, err)
	}
	return err
}

// every lets a progress report through once in a while.
func every(period time.Duration, now func() time.Time, say func(int64)) func(int64) {
	next := now().Add(period)
	return func(n int64) {
		if at := now(); !at.Before(next) {
			next = at.Add(period)
			say(n)
		}
	}
}
