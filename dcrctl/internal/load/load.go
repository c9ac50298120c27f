package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/credential"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/feed"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/folder"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/journal"
)

// finishLimit is how long bundles that are under way may take after an interruption.
const finishLimit = 10 * time.Second

// ErrInterrupted means that the import was stopped from outside, and goes on when it is started again.
var ErrInterrupted = errors.New("interrupted")

// Config is an import. Everything but OnlySender is needed.
type Config struct {
	Folder  *folder.Folder
	Journal *journal.Journal
	Client  *feed.Client
	Tokens  credential.Source
	// OnlySender leaves out the bundles of all other senders; empty sends everybody's.
	OnlySender string
	// Parallel is how many people's bundles are on their way at once.
	Parallel int
	// Attempts for a bundle while the gateway is busy or away.
	Attempts int
	Meter    *Meter
	// Wait waits, or returns the context's error.
	Wait func(ctx context.Context, d time.Duration) error
}

// Run sends what the journal does not hold, and returns what became of it, also beside an error. The error is nil
// when every bundle got its answer, be it a refusal.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if cfg.Parallel < 1 || cfg.Attempts < 1 {
		return nil, errors.New("import: Parallel and Attempts are at least 1")
	}
	taking, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls, cut := finishing(ctx)
	defer cut()
	l := &loader{Config: cfg, calls: calls, result: &Result{}}
	queue := make(chan []folder.Bundle)
	var workers sync.WaitGroup
	for range cfg.Parallel {
		workers.Go(func() { l.work(taking, queue, stop) })
	}
	for _, person := range l.people() {
		select {
		case queue <- person:
			continue
		case <-taking.Done():
		}
		break
	}
	close(queue)
	workers.Wait()
	return l.result.sorted(), why(ctx, taking)
}

// finishing is the context of calls: it outlives ctx for a moment, since an answer that is on its way spares sending
// the bundle again.
func finishing(ctx context.Context) (calls context.Context, cut func()) {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var mu sync.Mutex
	var timer *time.Timer
	unwatch := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(finishLimit, cancel)
	})
	return calls, func() {
		unwatch()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel()
	}
}

// why the import ended: nil when everything was tried.
func why(ctx, taking context.Context) error {
	if err := context.Cause(taking); err != nil && ctx.Err() == nil {
		return err
	}
	if ctx.Err() != nil {
		return ErrInterrupted
	}
	return nil
}

// loader is one import that runs.
type loader struct {
	Config
	calls context.Context //nolint:containedctx // of all calls of this import, see finishing

	mu     sync.Mutex
	result *Result
}

// people are the bundles to look at, grouped by person, in the order of their paths.
func (l *loader) people() [][]folder.Bundle {
	var groups [][]folder.Bundle
	at := map[string]int{}
	for _, b := range l.Folder.Bundles {
		if l.OnlySender != "" && b.Sender != l.OnlySender {
			l.result.LeftOut++
			l.Meter.done(b.Size, 0, false)
			continue
		}
		i, ok := at[b.Person]
		if !ok {
			i = len(groups)
			at[b.Person] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], b)
	}
	return groups
}

// work takes people until there are none, or until a failure that would meet every other bundle too.
func (l *loader) work(taking context.Context, queue <-chan []folder.Bundle, stop context.CancelCauseFunc) {
	for person := range queue {
		for _, b := range person {
			if taking.Err() != nil {
				return
			}
			if err := l.one(taking, b); err != nil {
				stop(err)
				return
			}
		}
	}
}

// one sends a bundle unless it was sent before. An error ends the import.
func (l *loader) one(taking context.Context, b folder.Bundle) error {
	if reason := unsendable(b); reason != "" {
		l.refused(b, feed.Answer{Reason: reason}, 0)
		return nil
	}
	content, err := l.Folder.Read(b)
	if err != nil {
		l.failed(b, feed.Answer{Reason: ReasonUnreadable})
		return nil //nolint:nilerr // it is in the report; the other files can still be sent
	}
	key, resources := journal.KeyOf(b.Path, content), feed.Resources(content)
	if l.Journal.Has(key) {
		l.before(b)
		return nil
	}
	answer, err := l.deliver(taking, b, content)
	switch {
	case errors.Is(err, credential.ErrNoToken):
		l.refused(b, feed.Answer{Reason: ReasonNoCredentials}, 0)
		return nil
	case err != nil:
		return err
	}
	return l.judge(b, key, answer, resources)
}

// judge sorts an answer. 403 is a refusal when it speaks of the organisation, and otherwise means that this client
// may send nothing at all.
func (l *loader) judge(b folder.Bundle, key journal.Key, a feed.Answer, resources int) error {
	switch {
	case a.Status/100 == 2:
		if err := l.Journal.Add(key); err != nil {
			return err
		}
		l.taken(b, resources)
	case a.Status == 401 || a.Status == 403 && a.Reason != reasonOrganisation:
		return fmt.Errorf("the gateway does not accept the credentials of %s: status %d, reason %s", b.Sender, a.Status, a.Reason)
	case a.Status/100 == 4:
		l.refused(b, a, resources)
	default:
		l.failed(b, a)
	}
	return nil
}
