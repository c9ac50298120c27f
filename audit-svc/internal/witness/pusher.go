package witness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/internal/failpoint"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Log is the stored log; *store.Store is the real one.
type Log interface {
	Largest(ctx context.Context) (*store.Checkpoint, error)
	Cosigned(ctx context.Context, witness string) (store.Cosigned, error)
	AddCosignature(ctx context.Context, size int64, witness, line string, at, now time.Time) error
}

// Prover proves that the log only grew; *tile.Reader is the real one.
type Prover interface {
	Consistency(ctx context.Context, first, second int64) ([]tlog.Hash, error)
}

// PusherConfig is what a Pusher needs.
type PusherConfig struct {
	Config
	Log    Log
	Prover Prover
	// Keys are the log's public keys.
	Keys []string
	// Leads tells whether this replica sequences: the others stay silent, so that each checkpoint is sent once.
	Leads func() bool
	Diary *slog.Logger
	Meter metric.Meter
	Now   func() time.Time
}

// Pusher sends checkpoints to all witnesses, each at its own pace.
type Pusher struct {
	cfg     PusherConfig
	peers   []*peer
	client  *http.Client
	metrics metrics
}

// peer is a witness, and what we know of it.
type peer struct {
	Peer
	trust *verify.Trust
	// seen is the size that the witness has seen, as far as we know; -1 before we asked the database.
	seen int64
	// state of the last attempt, so that the log is loud at each change, and not each second.
	state string
	pause time.Duration
}

// NewPusher makes a Pusher. Wrong settings are an error, none at all are not.
func NewPusher(cfg PusherConfig) (*Pusher, error) {
	if cfg.Log == nil || cfg.Prover == nil || cfg.Leads == nil || cfg.Diary == nil || cfg.Meter == nil || cfg.Now == nil {
		return nil, errors.New("make witness pusher: Log, Prover, Leads, Diary, Meter and Now are needed")
	}
	if cfg.Every <= 0 {
		cfg.Every = defaultEvery
	}
	found, err := cfg.Peers()
	if err != nil {
		return nil, err
	}
	p := &Pusher{cfg: cfg}
	for i, one := range found {
		trust, err := verify.NewTrust(cfg.Keys, []string{one.Verifier}, 1)
		if err != nil {
			return nil, fmt.Errorf("witness %d: %w", i+1, errNoKey)
		}
		p.peers = append(p.peers, &peer{Peer: one, trust: trust, seen: -1})
	}
	if p.client, err = newClient(cfg.CAFile); err != nil {
		return nil, err
	}
	if p.metrics, err = newMetrics(cfg.Meter); err != nil {
		return nil, fmt.Errorf("make witness pusher: %w", err)
	}
	return p, nil
}

// Verifiers are the keys of the witnesses.
func (p *Pusher) Verifiers() []string {
	var all []string
	for _, one := range p.peers {
		all = append(all, one.Verifier)
	}
	return all
}

// Run sends until ctx ends.
func (p *Pusher) Run(ctx context.Context) error {
	var peers sync.WaitGroup
	for _, one := range p.peers {
		peers.Go(func() { p.follow(ctx, one) })
	}
	peers.Wait()
	<-ctx.Done() // without witnesses there is nothing to do, and ending would look like a fault
	return nil
}

// follow keeps one witness up to date.
func (p *Pusher) follow(ctx context.Context, w *peer) {
	for ctx.Err() == nil {
		if p.cfg.Leads() {
			p.tell(ctx, w, p.push(ctx, w))
		} else {
			w.seen, w.pause = -1, 0 // another replica goes on from here
		}
		timer := time.NewTimer(max(p.cfg.Every, w.pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// push sends the largest checkpoint, unless the witness has it.
func (p *Pusher) push(ctx context.Context, w *peer) error {
	if err := p.remember(ctx, w); err != nil {
		return err
	}
	c, err := p.cfg.Log.Largest(ctx)
	if err != nil || c == nil {
		return err
	}
	p.metrics.behind.Record(ctx, max(c.Size-w.seen, 0), by(w))
	if c.Size == w.seen {
		return nil
	}
	if c.Size < w.seen {
		return fmt.Errorf("the log is smaller than the witness has seen: %w", errRefused)
	}
	failpoint.Hit("audit.publish.before")
	lines, err := p.submit(ctx, w, c, w.seen)
	if err != nil {
		return err
	}
	failpoint.Hit("audit.publish.before_store")
	if err := p.keep(ctx, w, c, lines); err != nil {
		return err
	}
	failpoint.Hit("audit.publish.after")
	w.seen = c.Size
	p.metrics.behind.Record(ctx, 0, by(w))
	return nil
}

// remember reads what the witness cosigned last: by its own word it may be more, which it will say.
func (p *Pusher) remember(ctx context.Context, w *peer) error {
	if w.seen >= 0 {
		return nil
	}
	last, err := p.cfg.Log.Cosigned(ctx, w.Signer)
	if err != nil {
		return err
	}
	// A witness that cosigned nothing has seen nothing, and has not seen the empty tree either.
	w.seen = -1
	if !last.At.IsZero() {
		w.seen = last.Size
	}
	return nil
}

// submit sends a checkpoint with the proof that it continues what the witness has seen, once more when
// the witness has seen something else.
func (p *Pusher) submit(ctx context.Context, w *peer, c *store.Checkpoint, old int64) (string, error) {
	for attempt := 0; ; attempt++ {
		old = max(old, 0)
		proof, err := p.cfg.Prover.Consistency(ctx, old, c.Size)
		if err != nil {
			return "", fmt.Errorf("prove growth: %w", err)
		}
		lines, seen, err := submit(ctx, p.client, w.URL, verify.Submission{Old: old, Proof: proof, Checkpoint: []byte(c.Note())})
		if !errors.Is(err, errBehind) {
			return lines, err
		}
		if seen > c.Size {
			return "", fmt.Errorf("the witness has seen more than there is: %w", errRefused)
		}
		if seen == old {
			return "", fmt.Errorf("the witness has seen another tree of this size: %w", errRefused)
		}
		if attempt > 0 {
			return "", fmt.Errorf("the witness contradicts itself: %w", errAnswer)
		}
		old = seen
	}
}

// keep stores the cosignature, if it is the witness's and of this checkpoint.
func (p *Pusher) keep(ctx context.Context, w *peer, c *store.Checkpoint, lines string) error {
	signed, err := w.trust.Open([]byte(c.Body + "\n" + c.Signatures + lines))
	if err != nil || len(signed.Cosignatures) == 0 {
		return fmt.Errorf("check cosignature: %w", errAnswer)
	}
	first := signed.Cosignatures[0]
	return p.cfg.Log.AddCosignature(ctx, c.Size, w.Signer, first.Line, first.At, p.cfg.Now())
}
