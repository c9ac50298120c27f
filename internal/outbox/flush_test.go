package outbox_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc/codes"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
)

func TestFlushDeliversEarlierOnesFirst(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	d := dispatcher(t, h.App, to.handle, nil)
	put(t, h.App, "p", "one")
	second := put(t, h.App, "p", "two")
	put(t, h.App, "p", "three")
	put(t, h.App, "q", "other")
	if err := d.Flush(limit(t), second); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, to.payloads("p")); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
	if got := to.payloads("q"); len(got) != 0 {
		t.Errorf("flush delivered another key: %v", got)
	}
	if err := d.Flush(limit(t), second); err != nil {
		t.Errorf("flush of what is gone: %v", err)
	}
}

// TestFlushUnderFailure: the caller learns that the change is not accounted for, the message stays, and a
// receiver that comes back within the limit is enough.
func TestFlushUnderFailure(t *testing.T) {
	t.Parallel()
	h, to := database(t), &receiver{}
	d := dispatcher(t, h.App, to.handle, nil)
	to.failWith(func(outbox.Message) error { return errDown })
	id := put(t, h.App, "p", "one")
	begun := time.Now()
	err := d.Flush(limit(t), id) // ends with FlushLimit, 3 s
	if fault.Status(err).Code() != codes.Unavailable || fault.ReasonOf(err) != outbox.ReasonUndelivered {
		t.Errorf("got %v, want Unavailable %s", err, outbox.ReasonUndelivered)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	await(t, h.App, "SELECT count(*) = 1 AND bool_and(claim IS NULL) FROM outbox")
	var calls atomic.Int64
	to.failWith(func(outbox.Message) error {
		if calls.Add(1) < 3 {
			return errDown
		}
		return nil
	})
	if err := d.Flush(limit(t), id); err != nil {
		t.Errorf("the receiver came back within the limit: %v", err)
	}
	if diff := cmp.Diff([]string{"one"}, to.payloads("p")); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
}

// TestFlushHungReceiver ends with its caller.
func TestFlushHungReceiver(t *testing.T) {
	t.Parallel()
	h := database(t)
	d := dispatcher(t, h.App, func(ctx context.Context, _ outbox.Message) error { <-ctx.Done(); return ctx.Err() }, nil)
	id := put(t, h.App, "p", "one")
	ctx, cancel := context.WithTimeout(limit(t), 200*time.Millisecond)
	defer cancel()
	if err := d.Flush(ctx, id); fault.ReasonOf(err) != outbox.ReasonUndelivered {
		t.Errorf("got %v, want %s", err, outbox.ReasonUndelivered)
	}
}

// TestRefusal parks loudly: counted, warned of, logged without the person, and kept.
func TestRefusal(t *testing.T) {
	t.Parallel()
	const person = "9990002673"
	for name, test := range map[string]struct {
		refuse  func(string, error) error
		arrives []string
	}{
		"later ones go on": {outbox.Refuse, []string{"two"}},
		"later ones wait":  {outbox.RefuseAndHold, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, to := database(t), &receiver{}
			var log bytes.Buffer
			reader := sdkmetric.NewManualReader()
			d := dispatcher(t, h.App, to.handle, func(c *outbox.Config) {
				c.Log = slog.New(slog.NewJSONHandler(&log, nil))
				c.Meter = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
				c.FlushLimit = 300 * time.Millisecond
			})
			to.failWith(func(m outbox.Message) error {
				if string(m.Payload) == "one" {
					return test.refuse("WRONG_SHAPE", errDown)
				}
				return nil
			})
			first, second := put(t, h.App, person, "one"), put(t, h.App, person, "two")
			if err := d.Flush(limit(t), first); fault.ReasonOf(err) != outbox.ReasonParked {
				t.Errorf("got %v, want %s", err, outbox.ReasonParked)
			}
			_ = d.Flush(limit(t), second)
			if diff := cmp.Diff(test.arrives, to.payloads(person)); diff != "" {
				t.Errorf("arrived (-want +got):\n%s", diff)
			}
			if err := d.Warning(limit(t)); err == nil || !strings.Contains(err.Error(), "1 messages of topic audit were refused") {
				t.Errorf("warning: %v", err)
			}
			if got := gauge(t, reader, "dcr.outbox.parked"); got != 1 {
				t.Errorf("parked metric = %d, want 1", got)
			}
			if said := log.String(); !strings.Contains(said, `"level":"ERROR"`) || !strings.Contains(said, "WRONG_SHAPE") {
				t.Errorf("not loud: %s", said)
			}
			if strings.Contains(log.String(), person) {
				t.Error("the log names the person")
			}
		})
	}
}

// gauge reads one integer metric.
func gauge(t *testing.T, reader *sdkmetric.ManualReader, name string) int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(limit(t), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if data, ok := m.Data.(metricdata.Gauge[int64]); ok && m.Name == name && len(data.DataPoints) == 1 {
				return data.DataPoints[0].Value
			}
		}
	}
	t.Fatalf("metric %s is missing", name)
	return 0
}
