// Command identity-svc keeps who is who: organisations, staff, people and their care relationships.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/app"
)

func main() {
	var commands struct {
		Serve          app.Serve          `cmd:"" help:"Answer calls until SIGTERM."`
		Migrate        app.Migrate        `cmd:"" help:"Bring the schema to this release, as the schema's owner."`
		CheckConfig    app.CheckConfig    `cmd:"" help:"Check the configuration as serve would, and answer no calls."`
		BootstrapAdmin app.BootstrapAdmin `cmd:"" help:"Make the first administrator, as the schema's owner. Refused when there is one."`
	}
	k := kong.Parse(&commands, kong.Name("identity-svc"), kong.Description("Organisations, staff, people and care relationships of the Dorset Care Record."),
		kong.BindTo(context.Background(), (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "identity-svc:", err)
		os.Exit(1)
	}
}
