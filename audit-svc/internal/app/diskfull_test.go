package app

import (
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// disk makes tables answer as PostgreSQL does when it can extend no file. The triggers are there before the service
// is, since making one waits for whoever writes.
const disk = `
CREATE TABLE disk_full (place text);
CREATE SEQUENCE refusals; -- counts what is rolled back too
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT FROM disk_full WHERE place = TG_ARGV[0]) THEN
    PERFORM nextval('refusals');
    RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER no_space BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION no_space('event');
CREATE TRIGGER no_space BEFORE INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION no_space('leaf')`

func asOwner(t *testing.T, h testkit.Handles, text string) {
	t.Helper()
	if _, err := h.Owner.ExecContext(limit(t), text); err != nil {
		t.Fatal(err)
	}
}

// fill leaves no room for the rows of a table, until the disk is freed.
func fill(t *testing.T, h testkit.Handles, table string) (free func()) {
	t.Helper()
	asOwner(t, h, "INSERT INTO disk_full VALUES ('"+table+"')")
	return func() { t.Helper(); asOwner(t, h, "DELETE FROM disk_full") }
}

// TestDiskFull: with no room for events, callers are told in time to come again, and nothing is stored; with no
// room for the tree, events are still taken. When there is room again, both go on by themselves.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const within = 2*time.Second + 3*time.Second // what is promised, and what a busy machine adds
	h := database(t)
	asOwner(t, h, disk)
	c := serveTest(t, h.AppURL, 1).appender(t, gateway)
	mustSend(t, c, newEvent())

	free, waits := fill(t, h, "event"), newEvent()
	began := time.Now()
	_, err := send(t, c, waits)
	if f := fault.FromStatus(err); f == nil || f.Kind != fault.KindUnavailable || f.Reason != "AUDIT_UNAVAILABLE" || f.RetryAfter <= 0 {
		t.Errorf("no room for events: %v, want AUDIT_UNAVAILABLE and when to ask again", err)
	}
	if took := time.Since(began); took > within {
		t.Errorf("answered after %s", took)
	}
	if n := count(t, h, "id = $1", waits.GetId()); n != 0 {
		t.Error("an event was stored that was not acknowledged")
	}
	free()
	mustSend(t, c, waits)

	free, waits = fill(t, h, "leaf"), newEvent()
	before := refusals(t, h)
	mustSend(t, c, waits)
	await(t, "the sequencer tries again and again", func() bool { return refusals(t, h) >= before+2 })
	if n := count(t, h, sequenced, waits.GetId()); n != 0 {
		t.Error("a leaf was stored where there is no room for one")
	}
	free()
	await(t, "the tree grows by itself", func() bool { return count(t, h, sequenced, waits.GetId()) == 1 })
}

const sequenced = "id = $1 AND EXISTS (SELECT FROM leaf WHERE event_id = event.id)"

func refusals(t *testing.T, h testkit.Handles) (n int) {
	t.Helper()
	if err := h.Owner.GetContext(limit(t), &n, "SELECT last_value FROM refusals"); err != nil {
		t.Fatal(err)
	}
	return n
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
