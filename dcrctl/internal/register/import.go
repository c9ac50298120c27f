package register

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/journal"
)

// MaxBatch is the contract's bound of rows in one call.
const MaxBatch = 200

// Config is an import. Everything but Journal is needed.
type Config struct {
	Caller Caller
	// Register's name.
	Register string
	Rows     []Row
	// DryRun has the gateway check and report, and write nothing.
	DryRun bool
	// Batch is how many rows go in one call, 1 to MaxBatch.
	Batch int
	// Journal of rows that were taken; nil in a dry run.
	Journal *journal.Journal
	Meter   *Meter
}

// Import sends what can be sent and the journal does not hold, and reports on every row that it came to, also beside
// an error. The error is nil when every row got its answer, be it a fault.
func Import(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Batch < 1 || cfg.Batch > MaxBatch {
		return nil, fmt.Errorf("a call takes 1 to %d rows", MaxBatch)
	}
	report := &Report{}
	var batch []Row
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		defer func() { batch = nil }()
		return cfg.send(ctx, report, batch)
	}
	for _, r := range cfg.Rows {
		switch {
		case r.Reason != "":
			report.add(r, Faulty, &optoutv1.RowResult{Reason: r.Reason, Field: r.Field})
			cfg.Meter.done(1, 1)
		case cfg.had(r):
			report.add(r, Before, nil)
			cfg.Meter.done(1, 0)
		default:
			batch = append(batch, r)
		}
		if len(batch) == cfg.Batch {
			if err := send(); err != nil {
				return report.sorted(), err
			}
		}
	}
	return report.sorted(), send()
}

// send sends rows in one call and notes what became of each.
func (c *Config) send(ctx context.Context, report *Report, batch []Row) error {
	in := &gatewayv1.ImportOptOutsRequest{Register: c.Register, DryRun: c.DryRun}
	for _, r := range batch {
		in.Rows = append(in.Rows, r.Sent)
	}
	out := &gatewayv1.ImportOptOutsResponse{}
	if err := c.Caller.Call(ctx, http.MethodPost, path(c.Register)+":import", in, out); err != nil {
		return fmt.Errorf("send the rows from line %d on: %w", batch[0].Line, err)
	}
	if err := answers(batch, out.GetResults()); err != nil {
		return err
	}
	var taken []journal.Key
	refused := 0
	for i, result := range out.GetResults() {
		outcome := outcomeOf(result.GetOutcome())
		report.add(batch[i], outcome, result)
		if outcome.Bad() {
			refused++
			continue
		}
		taken = append(taken, c.key(batch[i]))
	}
	c.Meter.done(len(batch), refused)
	if c.Journal == nil || len(taken) == 0 {
		return nil
	}
	return c.Journal.Add(taken...)
}

// answers checks that the results are those of the rows: a report about other rows would be worse than none.
func answers(batch []Row, results []*optoutv1.RowResult) error {
	if len(results) != len(batch) {
		return errors.New("the gateway reports on another number of rows than it was sent")
	}
	for i, r := range results {
		if r.GetRowId() != batch[i].Sent.GetRowId() || outcomeOf(r.GetOutcome()) == "" {
			return fmt.Errorf("the gateway's report on line %d is not about it", batch[i].Line)
		}
	}
	return nil
}

func path(register string) string { return "/v1/opt-out-imports/" + url.PathEscape(register) }

func (c *Config) had(r Row) bool { return c.Journal != nil && c.Journal.Has(c.key(r)) }

// key of a row in the journal: a row that changed is another one.
func (c *Config) key(r Row) journal.Key {
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(r.Sent)
	if err != nil { // only of text that is not UTF-8, which Read refuses
		content = nil
	}
	return journal.KeyOf(c.Register+"\x00"+r.Sent.GetRowId(), content)
}
