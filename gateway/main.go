// Command gateway is the only door to the Dorset Care Record: it authenticates, decides, and routes REST and
// gRPC calls.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/gateway/internal/app"
)

func main() {
	var commands struct {
		Serve        app.Serve        `cmd:"" help:"Answer calls until SIGTERM."`
		CheckConfig  app.CheckConfig  `cmd:"" help:"Check the configuration as serve would, and answer no calls."`
		AccessMatrix app.AccessMatrix `cmd:"" help:"Print who may call what and see which section, from the contract and the policy."`
	}
	k := kong.Parse(&commands, kong.Name("gateway"), kong.Description("The door of the Dorset Care Record: REST and gRPC in, authentication, the access decision, routing."),
		kong.BindTo(context.Background(), (*context.Context)(nil)))
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}
