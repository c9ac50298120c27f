package app

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// TestFewMonthsAreLoud: below three coming months there is an error in the log at each look, while calls are
// still answered; without a partition for this moment readiness fails, and an append says that it is not stored.
func TestFewMonthsAreLoud(t *testing.T) {
	t.Parallel()
	h := database(t)
	log, err := store.Open(limit(t), h.App, event.Same)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	var diary bytes.Buffer
	w, err := newRoomWatch(log, slog.New(slog.NewTextHandler(&diary, nil)), noop.NewMeterProvider().Meter(""))
	if err != nil {
		t.Fatal(err)
	}
	look := func(ahead int64, loud bool, ready error) {
		t.Helper()
		diary.Reset()
		w.look(limit(t))
		if w.ahead.Load() != ahead || strings.Contains(diary.String(), "audit-svc maintain") != loud {
			t.Errorf("%d months ahead, log %q; want %d, loud %v", w.ahead.Load(), diary.String(), ahead, loud)
		}
		if err := w.check(limit(t)); !errors.Is(err, ready) {
			t.Errorf("readiness: %v, want %v", err, ready)
		}
	}
	month := time.Date(time.Now().UTC().Year(), time.Now().UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	drop := func(ahead int) {
		t.Helper()
		if _, err := h.Owner.ExecContext(limit(t), "DROP TABLE "+month.AddDate(0, ahead, 0).Format("event_2006_01")); err != nil {
			t.Fatal(err)
		}
	}
	look(12, false, nil)
	drop(4)
	look(3, false, nil)
	drop(3)
	look(2, true, nil)
	c := serveTest(t, h.AppURL, 1).appender(t, gateway)
	mustSend(t, c, newEvent())
	drop(0)
	look(0, true, errNoRoom)
	_, err = send(t, c, newEvent())
	wantReason(t, err, "AUDIT_UNAVAILABLE")
}
