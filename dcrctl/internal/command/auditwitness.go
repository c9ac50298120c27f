package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/credential"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/live"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/witness"
)

// stopLimit bounds how long a witness finishes calls when it is told to stop.
const stopLimit = 10 * time.Second

// AuditWitness is the command that stands witness.
type AuditWitness struct {
	LogKeyFile []string `name:"log-key-file" required:"" sep:"none" help:"File of one log's public keys, one on a line; once for each log." placeholder:"FILE"`
	KeyFile    string   `name:"key-file" required:"" help:"File of our private key (dcrctl audit key witness …)." placeholder:"FILE"`
	State      string   `required:"" help:"File of our memory. Back it up, and never run on an older copy." placeholder:"FILE"`
	Init       bool     `help:"Make the memory, which must not exist: the first time only. Alone, it does nothing else."`

	Listen  string `help:"Address for submissions (POST /add-checkpoint), people (GET /status) and machines (GET /metrics)." placeholder:"HOST:PORT"`
	TLSCert string `name:"tls-cert" help:"PEM certificate of the listener; plain HTTP when left out." placeholder:"FILE"`
	TLSKey  string `name:"tls-key" help:"PEM key of the listener." placeholder:"FILE"`

	Once   bool   `help:"Ask one log for its checkpoint, cosign it or refuse, print the outcome and end."`
	URL    string `name:"url" help:"URL above that log's checkpoint, such as https://gateway.example/tlog." placeholder:"URL"`
	CAFile string `name:"ca-file" help:"PEM authorities of that gateway; the system's when left out." placeholder:"FILE"`
}

// Help is the longer text of --help.
func (AuditWitness) Help() string {
	return `Anybody may run a witness; it is worth something when its operator is not the log's. It holds no data about people:
only hashes. It cosigns a checkpoint when the log proves that everything in the last one is still there,
and otherwise refuses: a fork, a rollback, a rewritten past. Then it writes ALARM to its log, shows it under
/status and in its metrics, and keeps both signed checkpoints beside its memory as evidence.

With --listen it waits for the log to submit (C2SP tlog-witness). With --once it asks; cron can do that
behind any firewall, and the cosigned checkpoint is printed.

Exit code of --once: 0 cosigned, 2 refused and alarming, 1 it could not be checked.

  dcrctl audit key witness witness.example/dorset --out witness.key > witness.pub
  dcrctl audit witness --init --log-key-file log.pub --key-file witness.key --state witness.json --listen :9401
  dcrctl audit witness --once --url https://gateway.example/tlog --log-key-file log.pub --key-file witness.key --state witness.json`
}

// Validate refuses flags that do not go together.
func (c *AuditWitness) Validate() error {
	switch {
	case c.Once && c.Listen != "" || !c.Once && c.Listen == "" && !c.Init:
		return errors.New("needed: --listen, or --once, or --init")
	case c.Once && (c.URL == "" || len(c.LogKeyFile) != 1):
		return errors.New("--once needs the --url of one log, and one --log-key-file")
	case !c.Once && (c.URL != "" || c.CAFile != ""):
		return errors.New("--url and --ca-file go with --once")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	}
	return nil
}

// Run serves until it is told to stop, or asks once.
func (c *AuditWitness) Run(ctx context.Context, to streams) (err error) {
	w, origin, err := c.open(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	switch {
	case c.Once:
		return c.once(ctx, w, origin, to)
	case c.Listen != "":
		return c.serve(ctx, w, to)
	default:
		return nil
	}
}

// open reads keys and memory; origin is the last log's.
func (c *AuditWitness) open(to streams) (*witness.Witness, string, error) {
	private, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return nil, "", fmt.Errorf("read our key: %w", err)
	}
	cosigner, err := verify.NewCosigner(strings.TrimSpace(string(private)))
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", c.KeyFile, err)
	}
	// A service's log is for machines, as those of the suite are; that of one look is for whoever looks.
	var handler slog.Handler = slog.NewJSONHandler(to.err, nil)
	if c.Once {
		handler = slog.NewTextHandler(to.err, nil)
	}
	cfg := witness.Config{Cosigner: cosigner, EvidenceDir: c.State + ".evidence", Metrics: witness.NewMetrics(), Log: slog.New(handler), Now: time.Now}
	var origin string
	for _, file := range c.LogKeyFile {
		log, err := (&trusted{KeyFile: []string{file}, Quorum: 0}).trust()
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", file, err)
		}
		cfg.Logs, origin = append(cfg.Logs, log), log.Origin()
	}
	if cfg.Book, err = c.book(); err != nil {
		return nil, "", err
	}
	w, err := witness.New(cfg)
	if err != nil {
		return nil, "", errors.Join(err, cfg.Book.Close())
	}
	return w, origin, nil
}

// book opens the memory, or makes it when told to.
func (c *AuditWitness) book() (*witness.Book, error) {
	if c.Init {
		if err := os.MkdirAll(filepath.Dir(c.State), 0o700); err != nil {
			return nil, err
		}
		book, err := witness.NewBook(c.State)
		if errors.Is(err, witness.ErrBookExists) {
			return nil, fmt.Errorf("%w: leave --init out", err)
		}
		return book, err
	}
	book, err := witness.OpenBook(c.State)
	if errors.Is(err, witness.ErrNoBook) {
		return nil, fmt.Errorf("%w: restore %s, or give --init if this witness is new: one that forgot would sign the other branch of a fork", err, c.State)
	}
	return book, err
}

// once asks the log, and says what came of it.
func (c *AuditWitness) once(ctx context.Context, w *witness.Witness, origin string, to streams) error {
	client, err := credential.HTTP(c.CAFile)
	if err != nil {
		return err
	}
	log, err := live.New(c.URL, client, wait)
	if err != nil {
		return err
	}
	answer, err := w.Pull(ctx, origin, log, func(err error) bool { return errors.Is(err, live.ErrTiles) })
	switch {
	case err != nil:
		return err
	case answer.Ruling == verify.Accept:
		fmt.Fprint(to.out, answer.Message)
		return nil
	case answer.Ruling.Alarming():
		return fmt.Errorf("%w: ALARM: the log's history may have been rewritten: %s\n\n%s", errUntrue, answer.Ruling, w.Status())
	case answer.Status == http.StatusForbidden:
		return fmt.Errorf("%w: %s", errUntrue, strings.TrimSpace(answer.Body))
	default:
		return fmt.Errorf("not cosigned: %s", strings.TrimSpace(answer.Body))
	}
}

// serve answers until ctx ends.
func (c *AuditWitness) serve(ctx context.Context, w *witness.Witness, to streams) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	server := witness.Server(w.Handler())
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return errors.Join(fmt.Errorf("read the listener's certificate: %w", err), listener.Close())
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	}
	fmt.Fprintf(to.out, "witness on %s; /status says how things stand\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
	defer cancel()
	err = server.Shutdown(ending)
	if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}
