// Package hold opens the records of people who are new, once optout-svc has checked them against requests to opt
// out that wait (DOMAIN section 7). A held person is a row; the row is the queue, so nothing that is lost on the
// way can leave a record closed for good, or open one. Whoever takes a bundle in asks at once, and those who do
// at the same moment share one call; beside that all who are held are asked about again and again, until a
// privacy officer has decided about those whom a request may mean.
package hold

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

const (
	// batch is the most people that one call asks about.
	batch = 500
	// callLimit bounds one call.
	callLimit = 3 * time.Second
	// patience is how long whoever took a bundle in waits for its new person to be opened. Most senders' next
	// call, and whoever they tell, then finds the record open.
	patience = time.Second
	// usualRound is the pause between two rounds over all who are held.
	usualRound = 2 * time.Second
)

// Asker is optout-svc.
type Asker interface {
	CheckNewPersons(ctx context.Context, in *optoutv1.CheckNewPersonsRequest, opts ...grpc.CallOption) (*optoutv1.CheckNewPersonsResponse, error)
}

// Config is what a Desk works with; all but Round is needed.
type Config struct {
	Store  *store.Store
	OptOut Asker
	// FactsTopic is the outbox topic of the messages that make a person known to identity-svc: whoever has one
	// waiting is not asked about yet.
	FactsTopic string
	Log        *slog.Logger
	Meter      metric.MeterProvider
	// Round is the pause between two rounds over all who are held; 2 s when 0.
	Round time.Duration
}

// Desk asks optout-svc and opens records. One for each process.
type Desk struct {
	cfg   Config
	asked chan question
	// silent is true while optout-svc does not answer; then nobody waits for it.
	silent atomic.Bool
	held   metric.Int64Gauge
}

// question is a person whom somebody waits for; done is closed when it was asked about.
type question struct {
	number string
	done   chan struct{}
}

// New makes a desk; it does nothing before Run.
func New(cfg Config) (*Desk, error) {
	if cfg.Store == nil || cfg.OptOut == nil || cfg.FactsTopic == "" || cfg.Log == nil || cfg.Meter == nil {
		return nil, errors.New("hold: Store, OptOut, FactsTopic, Log and Meter are needed")
	}
	if cfg.Round == 0 {
		cfg.Round = usualRound
	}
	held, err := cfg.Meter.Meter("dcr/record-svc").Int64Gauge("dcr.record.held_people",
		metric.WithDescription("People whose new record is closed until it is checked or decided that no request to opt out means them."))
	if err != nil {
		return nil, fmt.Errorf("make meter of held people: %w", err)
	}
	return &Desk{cfg: cfg, asked: make(chan question, batch), held: held}, nil
}

// Await has a person asked about and waits for it, but not for long: the record opens by itself later. It may be
// called for anybody; who is not held is not asked about.
func (d *Desk) Await(ctx context.Context, number string) {
	if d.silent.Load() {
		return
	}
	q := question{number: number, done: make(chan struct{})}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case d.asked <- q:
	default:
		return // more are waiting than one call asks about: the next round does it
	}
	select {
	case <-q.done:
	case <-limit.C:
	case <-ctx.Done():
	}
}

// Run asks until the context ends.
func (d *Desk) Run(ctx context.Context) error {
	round := time.NewTicker(d.cfg.Round)
	defer round.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case first := <-d.asked:
			d.note(ctx, d.some(ctx, d.together(first)))
		case <-round.C:
			d.note(ctx, d.all(ctx))
		}
	}
}

// together are those who wait at this moment.
func (d *Desk) together(first question) []question {
	all := []question{first}
	for len(all) < batch {
		select {
		case q := <-d.asked:
			all = append(all, q)
		default:
			return all
		}
	}
	return all
}

// some asks about people that somebody waits for.
func (d *Desk) some(ctx context.Context, all []question) error {
	defer func() {
		for _, q := range all {
			close(q.done)
		}
	}()
	numbers := make([]string, len(all))
	for i, q := range all {
		numbers[i] = q.number
	}
	found, err := d.cfg.Store.HeldOf(ctx, d.cfg.FactsTopic, numbers)
	if err != nil {
		return err
	}
	_, err = d.ask(ctx, found)
	return err
}

// all asks about everybody who is held.
func (d *Desk) all(ctx context.Context) error {
	after, waiting := "", 0
	for {
		found, err := d.cfg.Store.Held(ctx, d.cfg.FactsTopic, after, batch)
		if err != nil {
			return err
		}
		opened, err := d.ask(ctx, found)
		if err != nil {
			return err
		}
		waiting += len(found) - opened
		if len(found) < batch {
			d.held.Record(ctx, int64(waiting))
			return nil
		}
		after = found[len(found)-1].NHSNumber
	}
}

// ask asks about people and opens the records of those of whom nothing waits.
func (d *Desk) ask(ctx context.Context, people []store.Held) (opened int, err error) {
	if len(people) == 0 {
		return 0, nil
	}
	req := &optoutv1.CheckNewPersonsRequest{People: make([]*optoutv1.NewPerson, len(people))}
	for i, p := range people {
		req.People[i] = &optoutv1.NewPerson{NhsNumber: p.NHSNumber, FamilyName: p.FamilyName, BirthDate: p.BirthDate, Postcode: p.Postcode}
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	resp, err := d.cfg.OptOut.CheckNewPersons(ctx, req)
	if err != nil {
		return 0, fmt.Errorf("check new people: %w", err)
	}
	if len(resp.GetVerdicts()) != len(people) {
		return 0, errors.New("check new people: not as many verdicts as people")
	}
	var cleared []store.Held
	for i, verdict := range resp.GetVerdicts() {
		if verdict == optoutv1.NewPersonVerdict_NEW_PERSON_VERDICT_CLEAR { // any other keeps them held
			cleared = append(cleared, people[i])
		}
	}
	if len(cleared) == 0 {
		return 0, nil
	}
	return len(cleared), d.cfg.Store.Release(ctx, cleared)
}

// note remembers whether optout-svc answers, and logs when that changes.
func (d *Desk) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // the process stops
	}
	if was := d.silent.Swap(err != nil); was == (err != nil) {
		return
	}
	if err != nil {
		d.cfg.Log.WarnContext(ctx, "people who are new to the record cannot be checked: their records stay closed",
			slog.String("cause", fault.Trail(err)))
		return
	}
	d.cfg.Log.InfoContext(ctx, "people who are new to the record are checked again")
}
