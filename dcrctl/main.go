// Command dcrctl is the command line of the Dorset Care Record for operators and auditors. It is a client of the
// public API like any other: it reaches no database and no service behind the gateway.
package main

import (
	"os"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
