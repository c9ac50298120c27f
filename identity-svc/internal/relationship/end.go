package relationship

import (
	"fmt"
	"time"
)

const day = 24 * time.Hour

// Periods are how long relationships last (DOMAIN.md section 5; the periods are ours, and configurable).
// A zero period means the default that Filled puts in.
type Periods struct {
	ReferralAfterDischarge time.Duration `name:"referral-after-discharge" env:"DCR_REFERRAL_AFTER_DISCHARGE" help:"How long a referral lasts after discharge; 90 days when 0."`
	ReferralAtMost         time.Duration `name:"referral-at-most" env:"DCR_REFERRAL_AT_MOST" help:"How long a referral lasts at most, from its start; 730 days when 0."`
	EpisodeAfterDischarge  time.Duration `name:"episode-after-discharge" env:"DCR_EPISODE_AFTER_DISCHARGE" help:"How long an episode lasts after discharge; 30 days when 0."`
	CaseloadAfterClosure   time.Duration `name:"caseload-after-closure" env:"DCR_CASELOAD_AFTER_CLOSURE" help:"How long a caseload lasts after closure; 90 days when 0."`
	LateAtMost             time.Duration `name:"late-at-most" env:"DCR_LATE_AT_MOST" help:"How old a closure may be when it is first told, to count as late news and not as history; 90 days when 0."`
	GrantAtMost            time.Duration `name:"grant-at-most" env:"DCR_GRANT_AT_MOST" help:"How long a grant to a colleague lasts at most; 28 days when 0."`
	SelfDeclared           time.Duration `name:"self-declared-lasts" env:"DCR_SELF_DECLARED_LASTS" help:"How long a self-declared relationship lasts; 24 hours when 0."`
	Emergency              time.Duration `name:"emergency-lasts" env:"DCR_EMERGENCY_LASTS" help:"How long an emergency relationship lasts; 8 hours when 0."`
	RestrictionBreak       time.Duration `name:"restriction-break-lasts" env:"DCR_RESTRICTION_BREAK_LASTS" help:"How long a restriction stays broken; 8 hours when 0."`
}

// Default are the periods of DOMAIN.md section 5, and of section 6 for a broken restriction.
func Default() Periods {
	return Periods{
		ReferralAfterDischarge: 90 * day,
		ReferralAtMost:         730 * day,
		EpisodeAfterDischarge:  30 * day,
		CaseloadAfterClosure:   90 * day,
		LateAtMost:             90 * day,
		GrantAtMost:            28 * day,
		SelfDeclared:           24 * time.Hour,
		Emergency:              8 * time.Hour,
		RestrictionBreak:       8 * time.Hour,
	}
}

// Filled puts defaults for what was left out. It refuses a negative period, and one that is longer than
// what the rule names as its most: what a person declares is never open-ended by a slip of a setting.
func (p Periods) Filled() (Periods, error) {
	d := Default()
	for _, f := range []struct {
		setting string
		value   *time.Duration
		normal  time.Duration
		most    time.Duration // 0: no limit
	}{
		{"DCR_REFERRAL_AFTER_DISCHARGE", &p.ReferralAfterDischarge, d.ReferralAfterDischarge, 0},
		{"DCR_REFERRAL_AT_MOST", &p.ReferralAtMost, d.ReferralAtMost, 0},
		{"DCR_EPISODE_AFTER_DISCHARGE", &p.EpisodeAfterDischarge, d.EpisodeAfterDischarge, 0},
		{"DCR_CASELOAD_AFTER_CLOSURE", &p.CaseloadAfterClosure, d.CaseloadAfterClosure, 0},
		{"DCR_LATE_AT_MOST", &p.LateAtMost, d.LateAtMost, 0},
		{"DCR_GRANT_AT_MOST", &p.GrantAtMost, d.GrantAtMost, d.GrantAtMost},
		{"DCR_SELF_DECLARED_LASTS", &p.SelfDeclared, d.SelfDeclared, 7 * day},
		{"DCR_EMERGENCY_LASTS", &p.Emergency, d.Emergency, 7 * day},
		{"DCR_RESTRICTION_BREAK_LASTS", &p.RestrictionBreak, d.RestrictionBreak, 7 * day},
	} {
		if *f.value == 0 {
			*f.value = f.normal
		}
		if *f.value < 0 || (f.most > 0 && *f.value > f.most) {
			return Periods{}, fmt.Errorf("%s must be positive and at most %v", f.setting, f.most)
		}
	}
	return p, nil
}

// DeclaredEnd is when a relationship ends that a member of staff declares now: 8 hours for an emergency,
// 24 hours for a self-declared one. ok is false for every other kind.
func (p Periods) DeclaredEnd(kind Kind, now time.Time) (end time.Time, ok bool) {
	switch kind {
	case Emergency:
		return now.Add(p.Emergency), true
	case SelfDeclared:
		return now.Add(p.SelfDeclared), true
	}
	return time.Time{}, false
}

// GrantEnd is when a grant ends that is made now on the ground of a relationship that ends at groundEnd
// (zero: open-ended): 28 days at most, no longer than wanted (0: as long as allowed), and never past the
// end of its ground.
func (p Periods) GrantEnd(groundEnd, now time.Time, wanted time.Duration) time.Time {
	lasts := p.GrantAtMost
	if wanted > 0 {
		lasts = min(lasts, wanted)
	}
	end := now.Add(lasts)
	if !groundEnd.IsZero() && groundEnd.Before(end) {
		return groundEnd
	}
	return end
}

// BreakEnd is when a restriction that is broken now hides again.
func (p Periods) BreakEnd(now time.Time) time.Time { return now.Add(p.RestrictionBreak) }

// FeedEnd is when a relationship that feeds stated ends; the zero time means that it is open-ended.
//
// A period after a closure counts from the closure, or from the delivery of that news when it came later,
// so that a slow feed takes nothing from those who follow up. An old closure of something that no feed
// ever showed as open is history that a partner loads, and counts from its own date: else the first load
// of ten years' records would open every one of them to every hospital ever visited.
func (p Periods) FeedEnd(k Known) time.Time {
	if k.Withdrawn {
		return k.ToldAt
	}
	end := p.afterClosure(k)
	if k.Kind != Referral {
		return end
	}
	most := k.StartsAt.Add(p.ReferralAtMost)
	if end.IsZero() || most.Before(end) {
		return most
	}
	return end
}

func (p Periods) afterClosure(k Known) time.Time {
	if k.ClosedAt.IsZero() {
		return time.Time{}
	}
	from := k.ClosedAt
	late := k.ToldAt.After(k.ClosedAt)
	if late && (k.WasOpen || k.ToldAt.Sub(k.ClosedAt) <= p.LateAtMost) {
		from = k.ToldAt
	}
	switch k.Kind {
	case Referral:
		return from.Add(p.ReferralAfterDischarge)
	case Episode:
		return from.Add(p.EpisodeAfterDischarge)
	case Caseload:
		return from.Add(p.CaseloadAfterClosure)
	}
	return from // registration: deregistration itself, or its news
}
