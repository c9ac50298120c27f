package match

import "slices"

// Outcome is how sure it is whom a request means. The numbers are those of the contract.
type Outcome uint8

// The outcomes. Nothing goes on by itself but what is Sure.
const (
	// Sure: exactly one person, and nothing given contradicts.
	Sure Outcome = iota + 1
	// None: nobody is known who could be meant.
	None
	// Several people could be meant.
	Several
	// Contradictory: the number is somebody else's, or what is known under it differs from what was given.
	Contradictory
	// Possible: one person could be meant, and too little agrees to be sure.
	Possible
)

// grade is what one person, looked at alone, makes of a request.
type grade uint8

const (
	// no: this is not who is meant.
	no grade = iota
	// fits: all that was given agrees, and it is enough.
	fits
	// may: not enough agrees, and nothing contradicts.
	may
	// contradicts: found under the number given, and contradicting it.
	contradicts
	// rival: all but the number agrees, and the number given is not this person's.
	rival
)

// rule is one line of the table. A detail with no agreements listed may be anything.
type rule struct {
	number, family, birth, postcode, given []agreement
	grade                                  grade
}

// rules by which a person is graded: the first line that holds counts. What no line holds for is no match.
//
// With the number, family name and birth date must agree too, and a postcode must not differ; without it, name,
// birth date and postcode must all agree. A given name makes nothing surer: it can only take away.
func rules() []rule {
	yes, open := []agreement{agrees}, []agreement{agrees, unknown}
	return []rule{
		{number: yes, family: []agreement{differs}, grade: contradicts},
		{number: yes, birth: []agreement{differs}, grade: contradicts},
		{number: yes, postcode: []agreement{differs}, grade: contradicts},
		{number: yes, family: yes, birth: yes, given: open, grade: fits},
		{number: yes, grade: may},

		{number: []agreement{unknown}, family: yes, birth: yes, postcode: yes, given: open, grade: fits},
		{number: []agreement{unknown}, family: []agreement{agrees, partly}, birth: open, grade: may},

		{number: []agreement{differs}, family: yes, birth: yes, postcode: yes, given: open, grade: rival},
	}
}

func (r rule) holds(a agreements) bool {
	for _, c := range []struct {
		allowed []agreement
		is      agreement
	}{{r.number, a.number}, {r.family, a.family}, {r.birth, a.birth}, {r.postcode, a.postcode}, {r.given, a.given}} {
		if len(c.allowed) > 0 && !slices.Contains(c.allowed, c.is) {
			return false
		}
	}
	return true
}

func (a agreements) grade() grade {
	for _, r := range rules() {
		if r.holds(a) {
			return r.grade
		}
	}
	return no
}

// Decide says how sure it is whom a request means among those who could be; the person is set for Sure alone.
// The people must be all in force who share the birth date, and the one in force under the number given.
func Decide(asked Asked, people []Person) (Outcome, Person) {
	by := map[grade][]Person{}
	for _, p := range people {
		g := compare(asked, p).grade()
		by[g] = append(by[g], p)
	}
	switch open := len(by[may]) + len(by[rival]); {
	case len(by[contradicts]) > 0:
		return Contradictory, Person{}
	case len(by[fits]) == 1 && !confusable(asked, by[fits][0], people):
		return Sure, by[fits][0]
	case len(by[fits]) > 0:
		return Several, Person{}
	case open == 0:
		return None, Person{}
	case len(by[may]) == 0:
		return Contradictory, Person{} // somebody else is called so, under another number
	case open == 1:
		return Possible, Person{}
	}
	return Several, Person{}
}

// confusable tells whether somebody else could be meant as well as the one who fits: twins above all, who share
// everything but number and given name. A slip in a given name must not pick the other twin, so only number and
// given name together tell them apart.
func confusable(asked Asked, fit Person, people []Person) bool {
	told := compare(asked, fit)
	return slices.ContainsFunc(people, func(other Person) bool {
		if other.NHSNumber == fit.NHSNumber {
			return false
		}
		a := compare(asked, other)
		alike := (a.family == agrees || a.family == partly) && (a.birth == agrees || a.birth == unknown) && a.postcode != differs
		apart := told.number == agrees && told.given == agrees && a.given == differs
		return alike && !apart
	})
}
