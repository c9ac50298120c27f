package postroom

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post/notifytest"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

func TestALetterIsWrittenSentAndRecorded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	if got := b.letter(order, id); got.State != store.LetterQueued || got.By != "" || got.SentAt != nil {
		t.Fatalf("%+v", got)
	}
	b.run(room)
	got := b.await(order, id, "sent", inState(store.LetterSent))
	taken := b.notify.Taken()
	if len(taken) != 1 || taken[0].Reference != id.String() || got.PostReference != taken[0].ID || got.By != post.Letter || got.Attempts != 1 || got.SentAt == nil {
		t.Fatalf("%+v of %+v", got, taken)
	}
	text := pdftest.Text(t, taken[0].Content)
	for _, want := range []string{"Łucja Example 1 High Street Dorchester DT1 1XJ We have your request", "K7Q2-M4WX-9RPT"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	all, err := b.store.Letters(t.Context(), order.OptOutID)
	if err != nil || len(all) != 1 || all[0].ID != id {
		t.Errorf("%+v (%v)", all, err)
	}
}

func TestTheFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	path := t.TempDir()
	var err error
	if b.cfg.Outbound, err = post.Open(post.Config{Kind: post.KindFolder, Folder: path, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.run(room)
	b.await(order, id, "sent", inState(store.LetterSent))
	file, err := os.ReadFile(filepath.Join(path, id.String()+".letter.pdf"))
	if err != nil || !strings.Contains(pdftest.Text(t, file), "1 High Street") {
		t.Errorf("%v", err)
	}
	if b.column("settled", id) != "true" {
		t.Error("a folder is asked what became of a letter")
	}
}

// TestNoLetterWithoutItsStep: what is rolled back is not sent, what is written twice is sent once.
func TestNoLetterWithoutItsStep(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	room := b.room()
	b.run(room)
	undone := anOrder()
	err := b.store.InTx(t.Context(), func(tx *sqlx.Tx) error {
		if _, err := room.Write(t.Context(), tx, undone); err != nil {
			return err
		}
		return errDown
	})
	if !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	order := anOrder()
	id := b.write(room, order)
	if again := b.write(room, order); again != id {
		t.Errorf("written again it is %s, was %s", again, id)
	}
	other := order
	other.Occasion = "2"
	second := b.write(room, other)
	b.await(order, id, "sent", inState(store.LetterSent))
	b.await(order, second, "sent", inState(store.LetterSent))
	if taken := b.notify.Taken(); len(taken) != 2 || second == id {
		t.Errorf("%d letters", len(taken))
	}
	if left, err := b.store.Letters(t.Context(), undone.OptOutID); err != nil || len(left) != 0 {
		t.Errorf("%+v (%v)", left, err)
	}
}

func TestWaysOfACode(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	room := b.room()
	b.run(room)
	for name, c := range map[string]struct {
		change func(*Order)
		want   post.Way
	}{
		"text first":       {func(*Order) {}, post.Text},
		"as told":          {func(o *Order) { o.By = post.Email }, post.Email},
		"as told, by post": {func(o *Order) { o.By = post.Letter }, post.Letter},
		"large print":      {func(o *Order) { o.Facts.Format = letter.LargePrint }, post.Letter},
		"a requester's own": {func(o *Order) {
			o.Recipient = &store.Recipient{Name: "B", Lines: []string{"2 Low Road"}, Postcode: "DT2 2XX"}
		}, post.Letter},
	} {
		order := aCode()
		c.change(&order)
		id := b.write(room, order)
		got := b.await(order, id, name, inState(store.LetterSent))
		if got.By != c.want {
			t.Errorf("%s: by %s, want %s", name, got.By, c.want)
		}
		if b.column("code", id)+b.column("recipient", id) != "" {
			t.Errorf("%s: code or address are kept", name)
		}
		if strings.Contains(b.column("content", id), "4821") {
			t.Errorf("%s: the code is in the words", name)
		}
	}
	for _, n := range b.notify.Taken() {
		text := n.Personalisation["body"]
		if n.Type == "letter" {
			text = pdftest.Text(t, n.Content)
		}
		if !strings.Contains(text, "4821-7730") {
			t.Errorf("no code in the %s", n.Type)
		}
	}
}

func TestShownWithoutAddressAndCode(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	room := b.room()
	order := aCode()
	id := b.write(room, order)
	text, err := room.Show(t.Context(), order.OptOutID, id, true)
	if err != nil || text.MediaType != MediaText || !strings.Contains(string(text.Bytes), "(not shown)") {
		t.Fatalf("%+v (%v)", text, err)
	}
	printed, err := room.Show(t.Context(), order.OptOutID, id, false)
	if err != nil || printed.MediaType != MediaPDF || printed.Kind != letter.ConfirmationCode {
		t.Fatalf("%+v (%v)", printed.Letter, err)
	}
	again, err := room.Show(t.Context(), order.OptOutID, id, false)
	if err != nil || !bytes.Equal(printed.Bytes, again.Bytes) {
		t.Errorf("shown again it differs (%v)", err)
	}
	for _, shown := range []string{string(text.Bytes), pdftest.Text(t, printed.Bytes)} {
		if strings.Contains(shown, "4821") || strings.Contains(shown, "1 High Street") || !strings.Contains(shown, "K7Q2-M4WX-9RPT") {
			t.Error(shown)
		}
	}
	for _, c := range [][2]uuid.UUID{{order.OptOutID, uuid.New()}, {uuid.New(), id}} {
		if _, err := room.Show(t.Context(), c[0], c[1], true); !errors.Is(err, store.ErrNoLetter) {
			t.Error(err)
		}
	}
}

func TestLettersThatCannotBeSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.book.held["9990000026"] = Contact{Name: "X", Lines: []string{"1 High Street"}, Postcode: "DT1 1XJ", Deceased: true}
	b.book.held["9990000034"] = Contact{Name: "X", Mobiles: []string{"1"}}
	b.book.held["9990000042"] = Contact{Name: strings.Repeat("wide ", 200), Lines: []string{"1 High Street"}, Postcode: "DT1 1XJ"}
	room := b.room()
	b.run(room)
	for name, c := range map[string]struct {
		change func(*Order)
		want   string
	}{
		"nobody matched": {func(o *Order) { o.NHSNumber = "" }, ReasonNoContact},
		"nobody known":   {func(o *Order) { o.NHSNumber = "9990000050" }, ReasonNoContact},
		"has died":       {func(o *Order) { o.NHSNumber = "9990000026" }, ReasonDeceased},
		"no address":     {func(o *Order) { o.NHSNumber = "9990000034" }, ReasonNoContact},
		"too wide":       {func(o *Order) { o.NHSNumber = "9990000042" }, ReasonAddress},
		"code expired":   {func(o *Order) { *o = aCode(); o.Facts.CodeUntil = time.Now().Add(-time.Second) }, ReasonExpired},
	} {
		order := anOrder()
		c.change(&order)
		id := b.write(room, order)
		if got := b.await(order, id, name, inState(store.LetterFailed)); got.Failure != c.want || got.Attempts != 1 {
			t.Errorf("%s: %+v", name, got)
		}
		if order.Code != "" {
			b.until("the code is forgotten", func() bool { return b.column("code", id) == "" })
		}
	}
	if taken := b.notify.Taken(); len(taken) != 0 {
		t.Errorf("%d were sent", len(taken))
	}
}

func TestTroubleIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.book.err = errDown
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.run(room)
	b.await(order, id, "without contact details", func(l store.Letter) bool { return l.Failure == ReasonContacts && l.Attempts > 1 })
	b.notify.Fail(notifytest.Fault{Status: 503}, notifytest.Fault{Status: 403, Type: "AuthError"}, notifytest.Fault{Status: 400, Type: "BadRequestError"})
	b.book.set(func(k *book) { k.err = nil })
	if got := b.await(order, id, "sent", inState(store.LetterSent)); got.Failure != "" {
		t.Errorf("%+v", got)
	}
	if taken := b.notify.Taken(); len(taken) != 1 {
		t.Errorf("%d letters", len(taken))
	}
}

func TestAFailedLetterIsTriedAgainByAPerson(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.notify.Fail(notifytest.Fault{Status: 400, Type: "ValidationError"})
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.run(room)
	if got := b.await(order, id, "failed", inState(store.LetterFailed)); got.Failure != post.ReasonRejected {
		t.Fatalf("%+v", got)
	}
	retry := func(optOut, id uuid.UUID) error {
		return b.store.InTx(t.Context(), func(tx *sqlx.Tx) error { return room.Retry(t.Context(), tx, optOut, id) })
	}
	if err := retry(order.OptOutID, uuid.New()); !errors.Is(err, store.ErrNoLetter) {
		t.Error(err)
	}
	if err := retry(order.OptOutID, id); err != nil {
		t.Fatal(err)
	}
	b.await(order, id, "sent", inState(store.LetterSent))
	if err := retry(order.OptOutID, id); !errors.Is(err, store.ErrLetterNotFailed) {
		t.Error(err)
	}
	if len(b.notify.Taken()) != 1 {
		t.Error("not one letter")
	}
}

// TestALetterThatCameBack: the post took it and could not deliver it. Sent again by a person, it goes under
// another name, since the post knows the first one.
func TestALetterThatCameBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	room := b.room()
	order := anOrder()
	id := b.write(room, order)
	b.run(room)
	b.await(order, id, "sent", inState(store.LetterSent))
	b.notify.SetStatus("validation-failed")
	if got := b.await(order, id, "returned", inState(store.LetterFailed)); got.Failure != post.ReasonReturned || got.SentAt == nil {
		t.Fatalf("%+v", got)
	}
	b.retry(room, order, id)
	b.await(order, id, "sent again", inState(store.LetterSent))
	b.notify.SetStatus("received")
	b.until("settled", func() bool { return b.column("settled", id) == "true" })
	taken := b.notify.Taken()
	if len(taken) != 2 || taken[0].Reference == taken[1].Reference || b.letter(order, id).State != store.LetterSent {
		t.Errorf("%+v", taken)
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   Contact
		want []string
	}{
		{Contact{Name: "A  B", Lines: []string{"1 High\nStreet", "", " Dorchester "}, Postcode: "dt1  1xj"}, []string{"A B", "1 High Street", "Dorchester", "DT1 1XJ"}},
		{Contact{Name: "A", Lines: []string{"1", "2", "3", "4", "5", "6", "7"}, Postcode: "X"}, []string{"A", "1", "2", "3", "4", "5, 6, 7", "X"}},
	} {
		if diff := cmp.Diff(c.want, envelope(c.in)); diff != "" {
			t.Error(diff)
		}
	}
}
