package county

import (
	"math/rand/v2"
	"time"
)

// life is a person in the making, with all that the sections need.
type life struct {
	county  *County
	index   int
	seed    uint64
	now     time.Time
	rand    *rand.Rand
	profile profile
	place   place
	person  Person
}

// last is the end of what can be told: now, or the person's death.
func (l *life) last() time.Time {
	if l.alive() {
		return l.now
	}
	return l.person.Deceased
}

// ago is some days before the last, at the same time of day, but within the person's life.
func (l *life) ago(days int) time.Time { return l.lived(l.last().AddDate(0, 0, -days)) }

// yearsAgo is about a number of years before the last, but within the person's life.
func (l *life) yearsAgo(years int) time.Time {
	return l.lived(l.last().AddDate(-years, 0, -l.rand.IntN(300)))
}

// lived moves an instant before the person's birth to the first weeks of life.
func (l *life) lived(at time.Time) time.Time {
	if first := l.born().AddDate(0, 0, 40); at.Before(first) {
		return first
	}
	return at
}

// born is the day of birth, which identity has written as a date.
func (l *life) born() time.Time {
	born, err := time.Parse(time.DateOnly, l.person.BirthDate)
	if err != nil {
		return l.now
	}
	return born
}

// rich says whether the person has everything from everybody.
func (l *life) rich() bool { return l.person.Has(TagRich) }

// standing is the status of something that lasts while the person lives, and when it ended.
func (l *life) standing(lasting, over string) (status string, ended time.Time) {
	if l.alive() {
		return lasting, time.Time{}
	}
	return over, l.person.Deceased
}

// alive says whether the person lives.
func (l *life) alive() bool { return l.person.Deceased.IsZero() }

// council that serves the person.
func (l *life) council() string { return l.place.council }

// hospitals that treat the person: the near one, and for some of the rich the other one as well.
func (l *life) hospitals() []string {
	switch {
	case l.rich() && l.index%2 == 0:
		return []string{hospitalEast, hospitalWest}
	case l.rich() || l.profile.hospital || !l.inside():
		return []string{l.place.hospital}
	}
	return nil
}

// inside says whether the practice is one of the county's, so that it sends.
func (l *life) inside() bool { return !l.person.Has(TagOutsideGP) }

// admitted says whether the person is in a bed of that hospital now.
func (l *life) admitted(hospital string) bool {
	return l.alive() && hospital == l.hospitals()[0] && l.index%3 == 0
}

// contribute lets every organisation that knows the person write its feed. Somebody whom nobody else knows is known to the
// community trust: a person without any feed would not be in the record.
func (l *life) contribute() {
	known := false
	send := func(odsCode string, wanted bool, write func(*sheet)) {
		if !wanted {
			return
		}
		known = true
		s := l.sheet(odsCode)
		l.demographics(s)
		write(s)
		l.person.Bundles = append(l.person.Bundles, s.bundle())
	}
	send(l.person.PracticeODS, l.inside(), l.practiceFeed)
	for _, hospital := range l.hospitals() {
		send(hospital, true, l.hospitalFeed)
	}
	send(ambulance, l.rich() || l.profile.ambulance, l.ambulanceFeed)
	send(l.council(), l.rich() || l.profile.council, l.councilFeed)
	send(community, l.rich() || l.profile.community || !known, l.communityFeed)
}

func (l *life) practiceFeed(s *sheet) {
	l.registration(s)
	l.allergies(s)
	l.problems(s)
	l.repeatMedicines(s)
	l.consultations(s)
	l.vaccinations(s)
	l.familyHistory(s)
	l.practiceResults(s)
	l.selfCarePlan(s)
	l.alerts(s)
}

func (l *life) hospitalFeed(s *sheet) {
	stay := l.stay(s)
	l.hospitalAllergies(s)
	l.sharedProblems(s)
	l.procedures(s, stay)
	l.hospitalMedicines(s, stay)
	l.hospitalResults(s, stay)
	l.letters(s, stay)
}

func (l *life) ambulanceFeed(s *sheet) {
	call := l.ambulanceCall(s)
	l.askedAllergies(s)
	l.observedAtScene(s, call)
	l.givenAtScene(s, call)
}

func (l *life) communityFeed(s *sheet) {
	l.referral(s)
	l.communityTeam(s)
	l.communityPlan(s)
	l.communityVisits(s)
	l.communityMedicines(s)
}

func (l *life) councilFeed(s *sheet) {
	l.socialTeam(s)
	l.socialPlan(s)
	l.socialServices(s)
	l.safeguardingFlag(s)
}
