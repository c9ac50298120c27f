// Package command is dcrctl's command line.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// The codes that dcrctl ends with.
const (
	exitOK      = 0
	exitFailure = 1
	exitRefused = 2
)

var (
	// errRefused means that everything was sent, and some of it refused.
	errRefused = errors.New("some bundles were refused")
	// errUntrue means that something about the audit log was checked, and is not true.
	errUntrue = errors.New("NOT TRUE")
)

// commands are all that dcrctl does.
type commands struct {
	Import  Import  `cmd:"" help:"Send a folder of FHIR bundles to the gateway."`
	OptOuts OptOuts `cmd:"" name:"opt-outs" help:"Take a register of opt-outs in, or write one out, as a privacy officer."`
	Audit   Audit   `cmd:"" help:"Check the audit log from outside, or stand witness to it."`
	Version Version `cmd:"" help:"Say which build this is."`
}

// streams are where a command writes.
type streams struct{ out, err io.Writer }

// Main runs the command line and returns the code to exit with.
func Main(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the next one ends the process at once.
	defer context.AfterFunc(ctx, stop)()
	return run(ctx, args, streams{out, errs})
}

func run(ctx context.Context, args []string, to streams) int {
	var cmd commands
	exited := -1
	parser, err := kong.New(&cmd, kong.Name("dcrctl"),
		kong.Description("The command line of the Dorset Care Record for operators and auditors."),
		kong.Writers(to.out, to.err), kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(to))
	if err != nil {
		fmt.Fprintln(to.err, "dcrctl:", err)
		return exitFailure
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintln(to.err, "dcrctl:", err)
		fmt.Fprintln(to.err, "dcrctl --help says what there is")
		return exitFailure
	}
	return code(k.Run(), to)
}

func code(err error, to streams) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(to.err, "dcrctl:", err)
	if errors.Is(err, errRefused) || errors.Is(err, errFaulty) || errors.Is(err, errUntrue) {
		return exitRefused
	}
	return exitFailure
}

// Version is the command that says which build this is.
type Version struct{}

// Run prints one line.
func (Version) Run(to streams) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this build does not say what it is")
	}
	revision, modified := "unknown revision", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = ", changed since"
		}
	}
	fmt.Fprintf(to.out, "dcrctl %s (%s%s), %s\n", info.Main.Version, revision, modified, info.GoVersion)
	return nil
}
