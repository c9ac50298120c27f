// Command optout-svc keeps who has opted out: it numbers people's choices and has records sealed.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/app"
)

func main() {
	var commands struct {
		Serve       app.Serve       `cmd:"" help:"Answer calls until SIGTERM."`
		Migrate     app.Migrate     `cmd:"" help:"Bring the schema to this release, as the schema's owner."`
		CheckConfig app.CheckConfig `cmd:"" help:"Check the configuration as serve would, and answer no calls."`
		Life        app.Life        `cmd:"" help:"Print the life of a request as docs/design/opt-out.md tells it, or renew and verify the documents that do."`
	}
	k := kong.Parse(&commands, kong.Name("optout-svc"), kong.Description("Opt-outs of the Dorset Care Record."),
		kong.BindTo(context.Background(), (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "optout-svc:", err)
		os.Exit(1)
	}
}
