package county

import (
	"math/rand/v2"
	"time"
)

// Person is an invented person and what the county's organisations send about them.
type Person struct {
	// NHSNumber is valid and in the 999 test range.
	NHSNumber string
	// Title, GivenName and FamilyName; Gender is "female" or "male", as FHIR has it.
	Title, GivenName, FamilyName, Gender string
	// BirthDate as YYYY-MM-DD.
	BirthDate string
	// Address and Phone lead nowhere.
	Address Address
	Phone   string
	// PracticeODS is the practice of registration, in the county or outside.
	PracticeODS string
	// Deceased is when the person died; zero while alive.
	Deceased time.Time
	// Tags among the Tag constants.
	Tags []string
	// Bundles are the feeds, one for each contributing organisation, in the order in which they are to be sent.
	Bundles []Bundle
	// Care lists the care relationships that the feeds give rise to.
	Care []Care
}

// Bundle is one organisation's feed about one person.
type Bundle struct {
	// ODSCode of the sender.
	ODSCode string
	// JSON is a FHIR R4 transaction bundle.
	JSON []byte
	// Entries is how many it has.
	Entries int
}

// Has says whether the person has a tag.
func (p Person) Has(tag string) bool {
	for _, t := range p.Tags {
		if t == tag {
			return true
		}
	}
	return false
}

// Places in the cast: who has which tag or peculiarity, by index. Everybody else is ordinary.
const (
	richEnd        = 20 // 0 to 19
	richOptedOut   = 19
	optedOutEnd    = 28 // 20 to 27
	outsideEnd     = 40 // 28 to 39
	restrictedEnd  = 43 // 40 to 42
	deceasedEnd    = 51 // 43 to 50
	firstTwin      = 51
	secondTwin     = 52
	ownRecordIndex = 53
	partnerIndex   = 54
)

// tags of the person with an index.
func tags(index int) []string {
	switch {
	case index == richOptedOut:
		return []string{TagRich, TagOptedOut}
	case index < richEnd:
		return []string{TagRich}
	case index < optedOutEnd:
		return []string{TagOptedOut}
	case index < outsideEnd:
		return []string{TagOutsideGP}
	case index < restrictedEnd:
		return []string{TagRestricted}
	case index < deceasedEnd:
		return []string{TagDeceased}
	}
	return []string{}
}

// profileOf the person with an index. Those who share a house with a peculiarity are of working age.
func profileOf(index int) profile {
	switch {
	case index < richEnd:
		return richProfiles[index%len(richProfiles)]
	case index >= restrictedEnd && index < deceasedEnd:
		return profiles[9] // living alone
	case index == firstTwin || index == secondTwin || index == ownRecordIndex || index == partnerIndex:
		return profiles[2] // working age
	}
	return profiles[index%len(profiles)]
}

// person makes the person with an index: the same for the same seed, whatever the others are.
func (c *County) person(seed uint64, index int, nhsNumber string) Person {
	l := &life{
		county: c, index: index, seed: seed, now: c.Made,
		rand:    rand.New(rand.NewPCG(seed, uint64(index))),
		profile: profileOf(index),
		place:   places[index%len(places)],
	}
	l.person.NHSNumber = nhsNumber
	l.person.Tags = tags(index)
	l.identity()
	l.peculiarities()
	l.contribute()
	return l.person
}

// identity invents who the person is.
func (l *life) identity() {
	p, r := &l.person, l.rand
	age := l.profile.minAge + r.IntN(l.profile.maxAge-l.profile.minAge+1)
	p.Gender = pick(r, []string{"female", "male"})
	p.GivenName = givenName(r, p.Gender)
	p.FamilyName = families[(l.index*31+int(l.seed%71))%len(families)]
	p.Title = title(r, p.Gender, age)
	p.BirthDate = l.now.AddDate(-age, 0, -1-r.IntN(364)).Format(time.DateOnly)
	p.Address = l.place.address(r)
	p.Phone = phone(r)
	p.PracticeODS = l.place.practice
	if p.Has(TagOutsideGP) {
		p.PracticeODS = outsidePractices[l.index%len(outsidePractices)]
	}
	if p.Has(TagDeceased) {
		p.Deceased = l.now.AddDate(0, 0, -20-r.IntN(300))
	}
}

// peculiarities sets the few people apart whom a rule is about.
func (l *life) peculiarities() {
	p := &l.person
	switch l.index {
	case firstTwin, secondTwin:
		// Twins: the same in everything but the given name, so that a feed can mistake one for the other.
		p.Gender, p.Title, p.FamilyName = "female", "Ms", "Winterborne"
		p.GivenName = []string{"Ife", "Taiwo"}[l.index-firstTwin]
		p.BirthDate = l.now.AddDate(-31, -2, -3).Format(time.DateOnly)
		p.Address = Address{"12 Mill Race", "Weymouth", "Dorset", "DT4 9ZZ"}
		p.PracticeODS = "J81903"
		l.place = places[3]
	case ownRecordIndex, partnerIndex:
		// The GP of ownRecordSubject as a patient of the own practice, and somebody of the same name and house.
		p.FamilyName, p.Address = "Sandbanks", Address{"3 Harbour Steps", "Poole", places[0].district, "BH15 9ZY"}
		p.GivenName, p.Gender = []string{"Rowan", "Marisol"}[l.index-ownRecordIndex], "female"
		p.Title = []string{"Dr", "Mrs"}[l.index-ownRecordIndex]
		p.BirthDate = l.now.AddDate(-44-l.index+ownRecordIndex, 0, -40).Format(time.DateOnly)
		p.PracticeODS = "J81900"
		l.place = places[0]
	}
}
