package claim

import (
	"errors"
	"fmt"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// checker gathers what is wrong.
type checker struct {
	today    Date
	problems []Problem
}

func (c *checker) wrong(field string, reason Reason, text string) {
	c.problems = append(c.problems, Problem{Field: field, Reason: reason, Text: text})
}

func (c *checker) number(field, raw string) string {
	if raw == "" {
		return ""
	}
	n, err := nhsnumber.Parse(raw)
	if err != nil {
		c.wrong(field, ReasonNumber, "must be an NHS number, ten digits with a check digit that fits; leave it out when it is not at hand")
	}
	return string(n)
}

func (c *checker) name(field, raw string, needed bool) string {
	if raw == "" && !needed {
		return ""
	}
	name, err := Name(raw)
	if err != nil {
		c.wrong(field, ReasonName, err.Error())
	}
	return name
}

func (c *checker) birth(field, raw string) Date {
	d, err := ParseDate(raw)
	switch {
	case err != nil:
		c.wrong(field, ReasonDate, err.Error())
	case d > c.today:
		c.wrong(field, ReasonFuture, "must not be in the future")
	case d.Age(c.today) > oldest:
		c.wrong(field, ReasonDate, fmt.Sprintf("must not be more than %d years ago", oldest))
	default:
		return d
	}
	return ""
}

func (c *checker) postcode(field, raw string) string {
	if raw == "" {
		return ""
	}
	p, err := Postcode(raw)
	if err != nil {
		c.wrong(field, ReasonPostcode, err.Error())
	}
	return p
}

// self is the requester who is the person.
const self = "self"

// requester checks who asks. A requester who is younger than the person is a slip, or somebody who swapped
// the two: both would seal the wrong record.
func (c *checker) requester(claim *Claim, raw Raw, rules Rules) {
	if claim.BirthDate != "" {
		if ok, why := rules.MayAsk(raw.Requester, claim.BirthDate.Age(c.today)); !ok {
			c.wrong("requester", ReasonMayNotAsk, why)
		}
	}
	if raw.Requester == self {
		if raw.RequesterName != "" || raw.RequesterBirthDate != "" {
			c.wrong("requester_name", ReasonName, "must be empty when the person asks for themselves")
		}
		return
	}
	claim.RequesterName = c.name("requester_name", raw.RequesterName, true)
	claim.RequesterBirthDate = c.birth("requester_birth_date", raw.RequesterBirthDate)
	if claim.BirthDate == "" || claim.RequesterBirthDate == "" {
		return
	}
	if claim.RequesterBirthDate >= claim.BirthDate && raw.Requester == "parent" {
		c.wrong("requester_birth_date", ReasonYounger, "must be before the child's")
	}
	if claim.RequesterBirthDate.Age(c.today) < adult && raw.Requester == "attorney" {
		c.wrong("requester_birth_date", ReasonYounger, "must be that of an adult")
	}
}

// adult is the age from which somebody can be an attorney or deputy (Mental Capacity Act 2005 sections 9, 19).
const adult = 18

// Join makes one error of problems, for logs; nil when there are none.
func Join(problems []Problem) error {
	var errs []error
	for _, p := range problems {
		errs = append(errs, fmt.Errorf("%s: %s", p.Field, p.Reason))
	}
	return errors.Join(errs...)
}
