package service

import "github.com/dorsetcarerecord/dcr/record-svc/internal/section"

// What a view says of itself. These words are the same on every record, so that nobody learns from them
// what a person's record holds (DESIGN section 4, who may learn what).
const (
	textNotYourRole = "Your role does not see this section. That says nothing about whether the record holds any of it."

	whatNeverShared = "What the law or policy keeps from every shared record"
	textNeverShared = "Records of fertility treatment, gender recognition, termination of pregnancy, sexually transmitted infection and adoption " +
		"are never part of a shared record. That says nothing about whether this person has any."

	whatOutsideGP = "The GP's information"
	textOutsideGP = "This person is registered with a GP practice outside Dorset, whose information is not part of this record. Ask the practice."

	whatRefused = "A feed that was refused"
	textRefused = "The latest information of one or more organisations was refused and is not shown: see sources. Ask them."

	whatRestricted = "Address, contacts and GP practice"
	textRestricted = "This person's details are restricted. Break the restriction with a reason if you need them."
)

// notIncluded is one entry of the list of what a view does not hold (dcr.record.v1.NotIncluded).
type notIncluded struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// titles of sections for a reader.
func title(name section.Name) string {
	return map[section.Name]string{
		section.Demographics: "Demographics", section.Allergies: "Allergies", section.Medication: "Medication", section.History: "History",
		section.CarePlans: "Care plans", section.Results: "Results and letters", section.SocialCare: "Social care", section.Safeguarding: "Safeguarding",
	}[name]
}

// gaps are what a view does not hold. Only what everybody with a relationship may know depends on the
// person: the practice, a refused feed, the restriction.
func gaps(g *grant, refusedFeed, restricted bool) []notIncluded {
	all := []notIncluded{{whatNeverShared, "never_shared", textNeverShared}}
	for _, name := range section.All() {
		if _, ok := g.levels[name]; !ok {
			all = append(all, notIncluded{title(name), "role", textNotYourRole})
		}
	}
	if g.outsideGP {
		all = append(all, notIncluded{whatOutsideGP, "gp_outside_county", textOutsideGP})
	}
	if refusedFeed {
		all = append(all, notIncluded{whatRefused, "refused_feed", textRefused})
	}
	if restricted {
		all = append(all, notIncluded{whatRestricted, "restricted", textRestricted})
	}
	return all
}
