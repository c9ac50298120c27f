package archive_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/archive"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/keep"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	// inMonth events of the month have a leaf in the end.
	inMonth = logtest.Leaves + logtest.Waiting
	// next are events of the month after.
	next = 5
)

func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// month is that of all events of logtest.
func month() keep.Month { return keep.MonthOf(logtest.Now()) }

// soon is a time at which the month can gain no event, and must be kept; later one at which it may go.
func soon() time.Time  { return logtest.Now().AddDate(0, 3, 0) }
func later() time.Time { return logtest.Now().AddDate(131, 0, 0) }

// newLog is a log of two months in which every event has its leaf, with room for events that occur later.
func newLog(t *testing.T) *logtest.Log {
	t.Helper()
	log := logtest.New(t)
	for _, at := range []time.Time{logtest.Now().AddDate(0, 1, 0), later()} {
		if _, err := store.Maintain(limit(t), log.Owner, at); err != nil {
			t.Fatal(err)
		}
	}
	for range next {
		row, err := archive.MaintainEvent(nil, 0, logtest.Now().AddDate(0, 1, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.AppendAsOwner(limit(t), log.Owner, row); err != nil {
			t.Fatal(err)
		}
	}
	sequence(t, log, inMonth+next)
	return log
}

// sequence runs a sequencer until so many leaves are under a checkpoint.
func sequence(t *testing.T, log *logtest.Log, want int64) {
	t.Helper()
	ctx, stop := context.WithCancel(limit(t))
	s, err := sequencer.New(sequencer.Config{Limits: sequencer.Limits{Every: 5 * time.Millisecond, Checkpoint: time.Millisecond}, Log: log.Store, Keys: log.Keys,
		Diary: slog.New(slog.NewTextHandler(io.Discard, nil)), Meter: noop.Meter{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for {
		c, err := log.Store.Largest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if c != nil && c.Size >= want && c.Signatures != "" {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no checkpoint of %d leaves", want)
		case <-time.After(5 * time.Millisecond):
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// config writes the month into a new folder, in several files.
func config(t *testing.T, log *logtest.Log) archive.Config {
	t.Helper()
	return archive.Config{DB: log.App, Log: log.Store, Trust: log.Trust, Month: month(), Dir: filepath.Join(t.TempDir(), "archive"), Now: soon, PerFile: 100,
		Account: func(context.Context, int64) error { return nil }}
}

// written is the folder of the month's archive.
func written(t *testing.T, log *logtest.Log) (string, *archive.Verified) {
	t.Helper()
	cfg := config(t, log)
	v, err := archive.Write(limit(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Dir, v
}

// drop deletes the month at a time.
func drop(t *testing.T, log *logtest.Log, dir string, at func() time.Time) error {
	t.Helper()
	policy, err := keep.Default()
	if err != nil {
		t.Fatal(err)
	}
	_, err = archive.Drop(limit(t), archive.DropConfig{Owner: log.Owner, Trust: log.Trust, Policy: policy, Month: month(), Dir: dir, Now: at})
	return err
}

// stored is how many events of the month the log has.
func stored(t *testing.T, log *logtest.Log) int64 {
	t.Helper()
	var facts store.MonthFacts
	err := store.ReadMonth(limit(t), log.App, month().First(), func(r *store.MonthReader) (err error) {
		facts, err = r.Facts(limit(t))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts.Events
}

// check runs fsck as the service's role.
func check(t *testing.T, log *logtest.Log) (*fsck.Report, error) {
	t.Helper()
	return fsck.Run(limit(t), fsck.Config{DB: log.App, Trust: log.Trust})
}
