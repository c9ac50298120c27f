package store_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// today is the clock of these tests.
var today = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// open gives an empty log with room from October 2026 to November 2027.
func open(t *testing.T) (*store.Store, testkit.Handles) {
	t.Helper()
	h := testkit.Database(t, store.Schema, store.Migrations)
	if _, err := store.Maintain(limit(t), h.Owner, today); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(limit(t), h.App, bytes.Equal)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, h
}

// row is an event of an instant about a person.
func row(at time.Time, nhsNumber string) store.Row {
	id := verify.FirstID(at)[:14] + "7" + uuid.NewString()[15:]
	return store.Row{ID: id, OccurredAt: at, StoredAt: at, Action: "record.view", Outcome: 1, NHSNumber: nhsNumber,
		StaffID: "staff-1", ODSCode: "RYF", Nonce: make([]byte, 32), Body: []byte(id), Leaf: make([]byte, 32)}
}

func groups(rows ...store.Row) [][]store.Row {
	var made [][]store.Row
	for _, r := range rows {
		made = append(made, []store.Row{r})
	}
	return made
}

func count(t *testing.T, h testkit.Handles) (n int) {
	t.Helper()
	if err := h.Owner.GetContext(limit(t), &n, "SELECT count(*) FROM event"); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTornGroupStoresNothing: of several groups in one commit one is in conflict after its first row was
// written; the commit must not keep that row.
func TestTornGroupStoresNothing(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	known := row(today, "")
	if _, err := s.Append(limit(t), groups(known)); err != nil {
		t.Fatal(err)
	}
	other := known
	other.Body = []byte("other content")
	torn := []store.Row{row(today, ""), other}
	if _, err := s.Append(limit(t), [][]store.Row{{row(today, "")}, torn}); !errors.Is(err, store.ErrTorn) {
		t.Errorf("two groups, one torn: %v, want ErrTorn", err)
	}
	results, err := s.Append(limit(t), [][]store.Row{torn})
	if err != nil || !results[0].Conflict {
		t.Errorf("the torn group alone: %+v, %v; want a conflict", results, err)
	}
	results, err = s.Append(limit(t), groups(row(today, ""), other))
	if err != nil || results[0].Conflict || !results[1].Conflict {
		t.Errorf("single events: %+v, %v; want a conflict of the second alone", results, err)
	}
	if n := count(t, h); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// TestBadRowIsNotUnavailable: a row that breaks a constraint must not look like a database that is down,
// else its neighbours would not be tried without it.
func TestBadRowIsNotUnavailable(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	bad := row(today, "")
	bad.Outcome = 0
	_, err := s.Append(limit(t), groups(row(today, ""), bad))
	if err == nil || strings.Contains(err.Error(), "UNAVAILABLE") {
		t.Errorf("bad row: %v", err)
	}
	if n := count(t, h); n != 0 {
		t.Errorf("%d rows of a failed statement", n)
	}
	if _, err := s.Append(limit(t), groups(row(today.AddDate(3, 0, 0), ""))); !errors.Is(err, store.ErrNoPartition) {
		t.Errorf("event of a month without a partition: %v, want ErrNoPartition", err)
	}
}

func TestMaintainMakesAYear(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	check := func(now time.Time, want store.Room) {
		t.Helper()
		if got, err := s.Room(limit(t), now); err != nil || got != want {
			t.Errorf("room in %s: %+v, %v; want %+v", now.Format("2006-01"), got, err, want)
		}
	}
	check(today, store.Room{Now: true, Ahead: 12})
	check(today.AddDate(0, -1, 0), store.Room{Now: true, Ahead: 13})
	check(today.AddDate(0, 10, 0), store.Room{Now: true, Ahead: 2})
	check(today.AddDate(0, 13, 0), store.Room{})
	if made, err := store.Maintain(limit(t), h.Owner, today); err != nil || len(made) != 0 {
		t.Errorf("again: made %v, %v; want nothing", made, err)
	}
	made, err := store.Maintain(limit(t), h.Owner, today.AddDate(0, 2, 0))
	if err != nil || !slices.Equal(made, []string{"event_2027_12", "event_2028_01"}) {
		t.Errorf("two months later: made %v, %v", made, err)
	}
}

// TestMaintainLetsAppendsPass: a partition is made while an append is open, and while it is being made
// another append goes through.
func TestMaintainLetsAppendsPass(t *testing.T) {
	t.Parallel()
	s, h := open(t)
	tx, err := h.App.BeginTxx(limit(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := insertWithin(limit(t), tx); err != nil {
		t.Fatal(err)
	}
	maintaining, err := h.Owner.BeginTxx(limit(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = maintaining.Rollback() }()
	for _, text := range []string{
		"SET LOCAL lock_timeout = '2s'",
		"CREATE TABLE event_2029_01 (LIKE event INCLUDING ALL)",
		"ALTER TABLE event ATTACH PARTITION event_2029_01 FOR VALUES FROM ('" +
			verify.FirstID(time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)) + "') TO ('" +
			verify.FirstID(time.Date(2029, 2, 1, 0, 0, 0, 0, time.UTC)) + "')",
	} {
		if _, err := maintaining.ExecContext(limit(t), text); err != nil {
			t.Fatalf("beside an open append: %s: %v", text, err)
		}
	}
	if _, err := s.Append(limit(t), groups(row(today, ""))); err != nil {
		t.Errorf("append beside open maintenance: %v", err)
	}
}

func insertWithin(ctx context.Context, tx *sqlx.Tx) error {
	r := row(today, "")
	_, err := tx.ExecContext(ctx, `INSERT INTO event VALUES ($1, $2, $2, 'a', 1, '', '', '', '', $3, $4, $3)`, r.ID, r.StoredAt, r.Nonce, r.Body)
	return err
}

// TestListPages goes through the events of one person, over two months, page by page.
func TestListPages(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	var want []string
	for i := range 30 {
		at := today.Add(-time.Duration(i) * 24 * time.Hour)
		mine, other := row(at, "9990000018"), row(at, "9990000026")
		want = append(want, mine.ID)
		if _, err := s.Append(limit(t), groups(mine, other)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for after := ""; ; {
		page, err := s.List(limit(t), store.Filter{NHSNumber: "9990000018"}, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page {
			got = append(got, b.ID)
			after = b.ID
		}
		if len(page) < 7 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %d events, want 30, newest first", len(got))
	}
}
