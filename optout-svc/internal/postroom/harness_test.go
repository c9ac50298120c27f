package postroom

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/pdf"
	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post/notifytest"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const person = "9990000018"

// book is contact details in a test.
type book struct {
	mu   sync.Mutex
	held map[string]Contact
	err  error
}

func newBook() *book {
	return &book{held: map[string]Contact{person: {
		Name: "Łucja Example", Lines: []string{"1 High Street", "Dorchester"}, Postcode: "dt1 1xj",
		Mobiles: []string{"+447700900000"}, Emails: []string{"lucja@example.org"},
	}}}
}

func (b *book) Contact(_ context.Context, nhsNumber string) (Contact, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return Contact{}, b.err
	}
	c, ok := b.held[nhsNumber]
	if !ok {
		return c, ErrNobody
	}
	return c, nil
}

func (b *book) set(change func(*book)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(b)
}

// bench is a room on a database of its own, with Notify behind it unless the test says otherwise.
type bench struct {
	t      *testing.T
	db     testkit.Handles
	store  *store.Store
	notify *notifytest.Server
	book   *book
	cfg    Config
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, db: testkit.Database(t, store.Schema, store.Migrations), notify: notifytest.New(t, time.Now), book: newBook()}
	var err error
	if b.store, err = store.Open(t.Context(), b.db.App); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.store.Close() })
	b.cfg = Config{
		Store: b.store, Templates: templates(t), Sender: sender(t), Outbound: b.notifyOutbound(), Contacts: b.book, Press: press(t),
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Poll: 5 * time.Millisecond, Lease: time.Minute, Limit: 30 * time.Second,
		FirstBackoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond, Settle: time.Millisecond, FollowUp: 5 * time.Millisecond,
	}
	return b
}

func (b *bench) notifyOutbound() post.Outbound {
	b.t.Helper()
	key := filepath.Join(b.t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(notifytest.Key), 0o600); err != nil {
		b.t.Fatal(err)
	}
	out, err := post.Open(post.Config{
		Kind: post.KindNotify, NotifyURL: b.notify.URL, NotifyKeyFile: key,
		EmailTemplate: notifytest.EmailTemplate, TextTemplate: notifytest.TextTemplate, Now: time.Now,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func templates(t *testing.T) *letter.Templates {
	t.Helper()
	loaded, err := letter.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func sender(t *testing.T) letter.Sender {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return letter.Sender{Name: "Privacy Officer", Address: []string{"County Hall", "DT1 1XJ"}, Phone: "01305 000000", Zone: zone}
}

func press(t *testing.T) *pdf.Press {
	t.Helper()
	made, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (b *bench) room() *Room {
	b.t.Helper()
	room, err := New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = room.Close() })
	return room
}

// run runs a room until the test ends, or until stop.
func (b *bench) run(room *Room) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- room.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Errorf("run: %v", err)
		}
	})
	b.t.Cleanup(stop)
	return stop
}

func anOrder() Order {
	return Order{OptOutID: uuid.New(), Occasion: "1", NHSNumber: person, Facts: letter.Facts{
		Kind: letter.Acknowledgement, Format: letter.Standard, Choice: letter.Out, Verified: true, Person: "Łucja Example",
		Reference: "K7Q2-M4WX-9RPT", AskedAt: time.Now(), Channel: letter.Post, DueAt: time.Now().AddDate(0, 0, 14),
	}}
}

func aCode() Order {
	o := anOrder()
	o.Code, o.Facts.Kind, o.Facts.CodeUntil = "4821-7730", letter.ConfirmationCode, time.Now().Add(time.Hour)
	return o
}

// write puts an order into the queue, in a transaction of its own.
func (b *bench) write(room *Room, o Order) uuid.UUID {
	b.t.Helper()
	var id uuid.UUID
	err := b.store.InTx(b.t.Context(), func(tx *sqlx.Tx) (err error) {
		id, err = room.Write(b.t.Context(), tx, o)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	room.Wake()
	return id
}

func (b *bench) letter(o Order, id uuid.UUID) store.Letter {
	b.t.Helper()
	found, _, err := b.store.Letter(b.t.Context(), o.OptOutID, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// await waits until a letter is as wanted, and gives it.
func (b *bench) await(o Order, id uuid.UUID, what string, as func(store.Letter) bool) store.Letter {
	b.t.Helper()
	var found store.Letter
	b.until(what, func() bool { found = b.letter(o, id); return as(found) })
	return found
}

func (b *bench) until(what string, holds func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !holds(); {
		if time.Now().After(deadline) {
			b.t.Fatalf("it never came to: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// retry has a failed letter sent again, as a privacy officer does.
func (b *bench) retry(room *Room, o Order, id uuid.UUID) {
	b.t.Helper()
	if err := b.store.InTx(b.t.Context(), func(tx *sqlx.Tx) error { return room.Retry(b.t.Context(), tx, o.OptOutID, id) }); err != nil {
		b.t.Fatal(err)
	}
	room.Wake()
}

func inState(state store.LetterState) func(store.Letter) bool {
	return func(l store.Letter) bool { return l.State == state }
}

// column reads one column of a letter as text, as the owner of the schema.
func (b *bench) column(name string, id uuid.UUID) string {
	b.t.Helper()
	var text string
	if err := b.db.Owner.Get(&text, `SELECT coalesce(`+name+`::text, '') FROM optout.letter WHERE id = $1`, id); err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *bench) exec(text string, args ...any) {
	b.t.Helper()
	if _, err := b.db.Owner.Exec(text, args...); err != nil {
		b.t.Fatal(err)
	}
}

var errDown = errors.New("down")
