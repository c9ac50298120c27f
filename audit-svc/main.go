// Command audit-svc keeps the log of every access: it takes events, stores them for ever and lists them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/app"
)

func main() {
	var commands struct {
		Serve         app.Serve         `cmd:"" help:"Answer calls until SIGTERM."`
		Migrate       app.Migrate       `cmd:"" help:"Bring the schema to this release and make missing partitions, as the schema's owner."`
		Maintain      app.Maintain      `cmd:"" help:"Make the partitions of the coming twelve months, as the schema's owner. Run it at least monthly."`
		Export        app.Export        `cmd:"" help:"Write events, with proofs, into a folder that anybody can check."`
		Fsck          app.Fsck          `cmd:"" help:"Recompute the whole log from the database, and name the first place where something does not fit."`
		Archive       app.Archive       `cmd:"" help:"Write one month of the log, with proofs and a manifest, into a folder."`
		VerifyArchive app.VerifyArchive `cmd:"" help:"Check an archive with the log's public key alone."`
		Drop          app.Drop          `cmd:"" help:"Delete the events of a month whose time is over, as the schema's owner; its hashes stay."`
		CaseLife      app.CaseLife      `cmd:"" help:"Print the rules of watching and the life of a case, as docs/case-life.md has them."`
		CheckConfig   app.CheckConfig   `cmd:"" help:"Check the configuration as serve would, and answer no calls."`
	}
	k := kong.Parse(&commands, kong.Name("audit-svc"), kong.Description("The audit log of the Dorset Care Record."),
		kong.BindTo(context.Background(), (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "audit-svc:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode is 1 unless the command has its own.
func exitCode(err error) int {
	var own kong.ExitCoder
	if errors.As(err, &own) {
		return own.ExitCode()
	}
	return 1
}
