package service

import (
	"testing"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

var received = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func writerOf(t *testing.T) Writer {
	t.Helper()
	rules, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	return Writer{Policy: rules}
}

// online is a matched request that somebody made for themselves by the public form.
func onlineRequest() store.OptOut {
	return store.OptOut{
		NHSNumber: "9990000018", Sealed: true, Reference: "K7M2-9QXT-4WPC", ReceivedAt: received,
		Channel: int32(optoutv1.Channel_CHANNEL_ONLINE), Requester: int32(optoutv1.Requester_REQUESTER_SELF),
		LetterFormat: int32(optoutv1.LetterFormat_LETTER_FORMAT_EASY_READ),
		Claim:        store.Claim{FamilyName: "Example", GivenNames: "Ann", RequesterFamilyName: "Sample", RequesterGivenNames: "Bea"},
	}
}

// TestWhoIsProved: not who merely said what others know too, however they came, and not for somebody else than
// the one who is matched.
func TestWhoIsProved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*store.OptOut)
		want   bool
	}{
		"four facts":           {func(*store.OptOut) {}, false},
		"on the phone":         {func(o *store.OptOut) { o.Channel = int32(optoutv1.Channel_CHANNEL_TELEPHONE) }, false},
		"started by staff":     {func(o *store.OptOut) { o.StartedBy = store.Staff{ID: "s"} }, false},
		"the code came back":   {func(o *store.OptOut) { o.ConfirmedByPersonAt = &received }, true},
		"evidence was checked": {func(o *store.OptOut) { o.CheckedAt = &received }, true},
		"signed off":           {func(o *store.OptOut) { o.SignedOffAt = &received }, true},
		"safeguarding allows":  {func(o *store.OptOut) { o.SafeguardingAllowedAt = &received }, false},
		"not matched":          {func(o *store.OptOut) { o.CheckedAt = &received; o.NHSNumber = "" }, false},
	} {
		o := onlineRequest()
		c.change(&o)
		if got := writerOf(t).facts(Occasion{Kind: letter.Acknowledgement, OptOut: o}).Verified; got != c.want {
			t.Errorf("%s: proved %v", name, got)
		}
	}
}

func TestFactsOfALetter(t *testing.T) {
	t.Parallel()
	o := onlineRequest()
	o.ConfirmedByPersonAt = &received
	got := writerOf(t).facts(Occasion{
		Kind: letter.EffectConfirmed, OptOut: o, MadeAt: received.Add(time.Hour), ConfirmedAt: received.Add(2 * time.Hour), Reason: "other", Wanted: []string{"scanned_form"},
	})
	want := letter.Facts{
		Kind: letter.EffectConfirmed, Format: letter.EasyRead, Choice: letter.Out, Verified: true, Person: "Ann Example",
		Reference: "K7M2-9QXT-4WPC", AskedAt: received, Channel: letter.Online, DueAt: time.Date(2026, 12, 6, 23, 59, 59, 0, time.UTC),
		Effects: []letter.Effect{{System: letter.SystemChoices, At: received.Add(time.Hour)}, {System: letter.SystemRecord, At: received.Add(2 * time.Hour)}},
		Reason:  "other", Wanted: []string{"scanned_form"},
	}
	got.DueAt = got.DueAt.UTC()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFactsOfARequestForAnother(t *testing.T) {
	t.Parallel()
	o := onlineRequest()
	o.Requester, o.Sealed, o.LetterFormat = int32(optoutv1.Requester_REQUESTER_PARENT), false, 0
	got := writerOf(t).facts(Occasion{Kind: letter.Acknowledgement, OptOut: o})
	if got.Requester != "Bea Sample" || got.ToRequester || got.Choice != letter.In || got.Format != letter.Standard || len(got.Effects) != 0 {
		t.Errorf("%+v", got)
	}
	o.Claim = store.Claim{}
	if got := writerOf(t).facts(Occasion{OptOut: o}); got.Requester != "Someone" || got.Person != "" {
		t.Errorf("%+v", got)
	}
}
