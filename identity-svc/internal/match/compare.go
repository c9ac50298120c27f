// Package match decides which person a request to opt out means, and how sure that is (DOMAIN section 7:
// number plus surname and date of birth, never on name alone). Pure functions of what was given and of what is
// known; no SQL, no RPC. Hiding the wrong person's record is a harm that nobody sees, so what is not sure goes
// to a privacy officer.
package match

import (
	"slices"
	"strings"

	"github.com/dorsetcarerecord/dcr/internal/personname"
)

// Asked is what a request says of the person. Empty parts were not given.
type Asked struct {
	// NHSNumber, checked.
	NHSNumber  string
	FamilyName string
	GivenName  string
	// BirthDate as YYYY-MM-DD.
	BirthDate string
	Postcode  string
}

// Person is somebody who could be meant: whoever is in force under the number asked, and whoever shares the
// birth date.
type Person struct {
	NHSNumber string
	// ByNumber is true for the person in force under the number that was given.
	ByNumber   bool
	FamilyName string
	GivenNames []string
	// BirthDate as YYYY-MM-DD, or as much of it as a feed knows.
	BirthDate string
	Postcode  string
	// Restricted people's postcodes are never compared: an answer must not tell where they live.
	Restricted bool
	Deceased   bool
}

// agreement is how one detail of a request stands to the same detail of a person.
type agreement uint8

const (
	// unknown: one of both does not say.
	unknown agreement = iota
	agrees
	// partly: one part of a name of several.
	partly
	differs
)

// agreements of a person with a request, detail by detail.
type agreements struct{ number, family, given, birth, postcode agreement }

// compare holds a person against a request.
func compare(asked Asked, p Person) agreements {
	a := agreements{
		number:   unknown,
		family:   families(asked.FamilyName, p.FamilyName),
		given:    givens(asked.GivenName, p.GivenNames),
		birth:    births(asked.BirthDate, p.BirthDate),
		postcode: texts(personname.Postcode(asked.Postcode), personname.Postcode(p.Postcode)),
	}
	if asked.NHSNumber != "" {
		a.number = differs
	}
	if p.ByNumber {
		a.number = agrees
	}
	if p.Restricted {
		a.postcode = unknown
	}
	return a
}

// texts compares two folded texts.
func texts(a, b string) agreement {
	switch {
	case a == "" || b == "":
		return unknown
	case a == b:
		return agrees
	}
	return differs
}

// families compares family names. One half of a double-barrelled name is no other name, and not the name.
func families(asked, known string) agreement {
	whole := texts(personname.Fold(asked), personname.Fold(known))
	if whole != differs {
		return whole
	}
	a, b := personname.Parts(asked), personname.Parts(known)
	if within(a, b) || within(b, a) {
		return partly
	}
	return differs
}

// within tells whether every part of a few is one of many.
func within(few, many []string) bool {
	return len(few) > 0 && !slices.ContainsFunc(few, func(part string) bool { return !slices.Contains(many, part) })
}

// givens: people go by any of their given names, and write one or all of them.
func givens(asked string, known []string) agreement {
	wanted, have := personname.Parts(asked), personname.Parts(strings.Join(known, " "))
	switch {
	case len(wanted) == 0 || len(have) == 0:
		return unknown
	case within(wanted, have) || personname.Fold(asked) == personname.Fold(strings.Join(known, " ")):
		return agrees
	}
	return differs
}

// births compares dates. A year or a month agrees with nothing, and contradicts what lies outside of it.
func births(asked, known string) agreement {
	switch {
	case asked == "" || known == "":
		return unknown
	case asked == known:
		return agrees
	case strings.HasPrefix(asked, known) && (len(known) == len("2006") || len(known) == len("2006-01")):
		return unknown
	}
	return differs
}
