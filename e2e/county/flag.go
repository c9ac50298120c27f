package county

import "time"

// safeguardingFlag is the council's, for the profiles that have one.
func (l *life) safeguardingFlag(s *sheet) {
	switch l.profile.safeguarding {
	case child:
		l.flag(s, "safeguarding", coding(flagCategory, "safeguarding", "Safeguarding"),
			concept("342191000000101", "Subject to child protection plan"), l.ago(45), s.author(safeguarding, councilSWChildren))
	case adult:
		l.flag(s, "safeguarding", coding(flagCategory, "safeguarding", "Safeguarding"),
			words("Adult safeguarding enquiry open. Call the duty desk on 01632 960200"), l.ago(25), s.author(safeguarding))
	}
}

// alerts of the practice about other things than safeguarding: what to know at the door, and what is dangerous to give.
func (l *life) alerts(s *sheet) {
	category := func(code, display string) resource { return coding(terminology+"flag-category", code, display) }
	if l.rich() {
		l.flag(s, "access", category("safety", "Safety"), words("Key safe at the back door; large friendly dog"),
			l.ago(200), s.author(gp, sessionalGP))
	}
	if len(l.profile.allergies) > 0 && allergies[l.profile.allergies[0]].criticality == "high" {
		l.flag(s, "allergy", category("clinical", "Clinical"), words("Severe allergy: see allergies"),
			l.ago(400), s.author(gp, sessionalGP))
	}
}

// flag writes one that is raised.
func (l *life) flag(s *sheet, key string, category, code resource, since time.Time, author resource) {
	status, ended := l.standing("active", "inactive")
	s.add("Flag", key, since, resource{
		"status":   status,
		"category": list{resource{"coding": list{category}, "text": category["display"]}},
		"code":     code,
		"subject":  s.subject(),
		"period":   period(since, ended),
		"author":   author,
	})
}
