// Package county makes the demonstration county: organisations, staff, people and the FHIR feeds that organisations send
// about them. Everything is invented, and made anew from a seed and an instant, so that dates are near and care
// relationships current on the day that it is made. Nothing is read from outside.
//
// What is content stands in tables (place.go, name.go, problem.go, medicine.go, ...); what shapes it into FHIR stands in
// the file of its section. The same seed and instant give the same bytes.
package county

import "time"

// Population is how many people a county has.
const Population = 200

// Tags of people, for those who try the demonstration out.
const (
	// TagRich has entries in every section from at least five organisations.
	TagRich = "rich"
	// TagOptedOut is to be opted out by whoever loads the county; the feeds say nothing of it.
	TagOptedOut = "opted_out"
	// TagOutsideGP is registered with a practice outside the county, which sends nothing (DOMAIN.md L11).
	TagOutsideGP = "gp_outside_county"
	// TagRestricted is flagged sensitive: Patient.meta.security is R (DOMAIN.md section 6).
	TagRestricted = "restricted"
	// TagDeceased has died.
	TagDeceased = "deceased"
)

// County is a made county.
type County struct {
	// Made is the instant that all dates are relative to; nothing in the county is later.
	Made time.Time
	// Organisations of DOMAIN.md section 2 and the practices of the county.
	Organisations []Organisation
	// Staff of every role in DOMAIN.md section 3.
	Staff []Staff
	// People, Population of them; the rich ones come first.
	People []Person
}

// New makes a county. now is rounded down to the second.
func New(seed uint64, now time.Time) *County {
	c := &County{Made: now.UTC().Truncate(time.Second), Organisations: organisations(), Staff: staff()}
	numbers := newNumbers(seed)
	for i := range Population {
		c.People = append(c.People, c.person(seed, i, numbers.next()))
	}
	c.nameOwnRecord()
	return c
}

// nameOwnRecord gives the member of staff who is also a patient the NHS number of that person.
func (c *County) nameOwnRecord() {
	for i := range c.Staff {
		if c.Staff[i].Subject == ownRecordSubject {
			c.Staff[i].NHSNumber = c.People[ownRecordIndex].NHSNumber
		}
	}
}

// Organisation finds an organisation by its ODS code; ok is false for an unknown one.
func (c *County) Organisation(odsCode string) (o Organisation, ok bool) {
	for _, o := range c.Organisations {
		if o.ODSCode == odsCode {
			return o, true
		}
	}
	return Organisation{}, false
}

// Tagged lists the people with a tag, in order.
func (c *County) Tagged(tag string) []Person {
	var tagged []Person
	for _, p := range c.People {
		if p.Has(tag) {
			tagged = append(tagged, p)
		}
	}
	return tagged
}

// PatientsOf lists the NHS numbers of living people with whom a member of staff has a care relationship now, either by name
// or through their organisation. It is a lower bound: who may be cared for by whom is identity-svc's to decide.
func (c *County) PatientsOf(member Staff) []string {
	var numbers []string
	for _, p := range c.People {
		if p.Deceased.IsZero() && p.caredForBy(member, c.Made) {
			numbers = append(numbers, p.NHSNumber)
		}
	}
	return numbers
}
