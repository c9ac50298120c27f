package relationship_test

import (
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
)

const day = 24 * time.Hour

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func TestDeclaredEnd(t *testing.T) {
	p := relationship.Default()
	for kind, want := range map[relationship.Kind]time.Duration{relationship.Emergency: 8 * time.Hour, relationship.SelfDeclared: 24 * time.Hour} {
		if end, ok := p.DeclaredEnd(kind, noon()); !ok || end.Sub(noon()) != want {
			t.Errorf("%v ends after %v, %v", kind, end.Sub(noon()), ok)
		}
	}
	for kind := relationship.Registration; kind <= relationship.ColleagueGranted; kind++ {
		if _, ok := p.DeclaredEnd(kind, noon()); ok {
			t.Errorf("%v can be declared", kind)
		}
	}
}

func TestFeedEnd(t *testing.T) {
	start, closed := noon().Add(-10*day), noon()
	late := closed.Add(10 * day)
	for name, c := range map[string]struct {
		kind     relationship.Kind
		closed   time.Time
		told     time.Time
		wasOpen  bool
		withdraw bool
		want     time.Time
	}{
		"open registration":        {kind: relationship.Registration, told: start},
		"open episode":             {kind: relationship.Episode, told: start},
		"open caseload":            {kind: relationship.Caseload, told: start},
		"open referral":            {kind: relationship.Referral, told: start, want: start.Add(730 * day)},
		"deregistered":             {kind: relationship.Registration, closed: closed, told: closed, want: closed},
		"discharged":               {kind: relationship.Episode, closed: closed, told: closed, want: closed.Add(30 * day)},
		"referral discharged":      {kind: relationship.Referral, closed: closed, told: closed, want: closed.Add(90 * day)},
		"caseload closed":          {kind: relationship.Caseload, closed: closed, told: closed, want: closed.Add(90 * day)},
		"discharge told late":      {kind: relationship.Episode, closed: closed, told: late, want: late.Add(30 * day)},
		"discharge told ahead":     {kind: relationship.Episode, closed: closed, told: start, want: closed.Add(30 * day)},
		"deregistration told late": {kind: relationship.Registration, closed: closed, told: late, want: late},
		"open, told after years":   {kind: relationship.Episode, closed: closed, told: closed.Add(900 * day), wasOpen: true, want: closed.Add(930 * day)},
		"history":                  {kind: relationship.Episode, closed: closed, told: closed.Add(91 * day), want: closed.Add(30 * day)},
		"late at most":             {kind: relationship.Episode, closed: closed, told: closed.Add(90 * day), want: closed.Add(120 * day)},
		"never longer than 2 years": {kind: relationship.Referral, closed: start.Add(700 * day), told: start.Add(700 * day),
			want: start.Add(730 * day)},
		"withdrawn": {kind: relationship.Episode, told: late, withdraw: true, want: late},
	} {
		k := relationship.Known{Kind: c.kind, StartsAt: start, ClosedAt: c.closed, ToldAt: c.told, WasOpen: c.wasOpen, Withdrawn: c.withdraw}
		if got := relationship.Default().FeedEnd(k); !got.Equal(c.want) {
			t.Errorf("%s: ends %v, want %v", name, got, c.want)
		}
	}
}

func TestGrantEnd(t *testing.T) {
	p := relationship.Default()
	for name, c := range map[string]struct {
		ground time.Duration // 0: open-ended
		wanted time.Duration
		want   time.Duration
	}{
		"as long as allowed":      {0, 0, 28 * day},
		"as wanted":               {0, 2 * time.Hour, 2 * time.Hour},
		"more than allowed":       {0, 99 * day, 28 * day},
		"ground ends first":       {day, 0, day},
		"ground ends before wish": {day, 2 * day, day},
		"ground lasts longer":     {60 * day, 0, 28 * day},
	} {
		var ground time.Time
		if c.ground > 0 {
			ground = noon().Add(c.ground)
		}
		if got := p.GrantEnd(ground, noon(), c.wanted).Sub(noon()); got != c.want {
			t.Errorf("%s: lasts %v, want %v", name, got, c.want)
		}
	}
}

func TestPeriodsAreChecked(t *testing.T) {
	if got, err := (relationship.Periods{}).Filled(); err != nil || got != relationship.Default() {
		t.Errorf("nothing set: %v, %v", got, err)
	}
	if got, err := (relationship.Periods{Emergency: time.Hour}).Filled(); err != nil || got.Emergency != time.Hour || got.SelfDeclared != day {
		t.Errorf("one set: %v, %v", got, err)
	}
	for name, p := range map[string]relationship.Periods{
		"negative":        {EpisodeAfterDischarge: -1},
		"long grant":      {GrantAtMost: 29 * day},
		"endless urgency": {Emergency: 365 * day},
	} {
		if _, err := p.Filled(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestGround(t *testing.T) {
	of := func(kind relationship.Kind, end time.Time) relationship.Standing {
		return relationship.Standing{ID: kind.String(), Kind: kind, EndsAt: end}
	}
	soon, later := noon().Add(day), noon().Add(9*day)
	for name, c := range map[string]struct {
		own  []relationship.Standing
		want string
	}{
		"none":             {nil, ""},
		"only by persons":  {[]relationship.Standing{of(relationship.ColleagueGranted, later), of(relationship.SelfDeclared, later), of(relationship.Emergency, later)}, ""},
		"the longest":      {[]relationship.Standing{of(relationship.Episode, soon), of(relationship.Referral, later), of(relationship.Emergency, time.Time{})}, "referral"},
		"open-ended first": {[]relationship.Standing{of(relationship.Registration, time.Time{}), of(relationship.Referral, later)}, "gp_registration"},
	} {
		got, ok := relationship.Ground(c.own)
		if got.ID != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got.ID, ok)
		}
	}
}

func TestReason(t *testing.T) {
	for _, code := range []string{"", "00", "07", "1", "004", "o4"} {
		if relationship.ValidReasonCode(code) {
			t.Errorf("code %q is accepted", code)
		}
	}
	for text, want := range map[string]bool{
		"Found on the floor": true, "  Found on the floor \n": true, "Zusammengebrochen, «laut» Nachbarin": true,
		"too short": false, "          ": false, "..............": false, "aaaaaaaaaaaaaaaa": false, "with a \x00 in it": false, "broken \xff text": false,
	} {
		if _, ok := relationship.ReasonText(text); ok != want {
			t.Errorf("text %q: %v", text, ok)
		}
	}
}
