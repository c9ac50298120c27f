package county

// socialTeam of the council: a social worker, and an occupational therapist where the council has one. A safeguarding officer
// is on it where somebody is to be protected.
func (l *life) socialTeam(s *sheet) {
	members := []Staff{s.staff(socialWorker, councilSW, councilSWChildren, councilSWSenior)}
	if more := l.county.at(s.org.ODSCode, councilOT, approvedMH); len(more) > 0 {
		members = append(members, more[0])
	}
	if l.profile.safeguarding != noSafeguarding {
		members = append(members, s.staff(safeguarding))
	}
	name := "Adult social care, locality team"
	if l.profile.safeguarding == child || l.profile.maxAge < 18 {
		name = "Children's services, family support team"
	}
	l.team(s, name, members, l.ago(120))
}

// socialPlan is the council's care and support plan.
func (l *life) socialPlan(s *sheet) {
	goal := l.goal(s, "support", "Lives as independently as possible", l.ago(110))
	l.plan(s, "support", resource{
		"title":       "Care and support plan",
		"description": "Agreed with the person and the family.",
		"category":    list{words("Social care plan")},
		"goal":        list{resource{"reference": goal}},
		"activity":    list{resource{"detail": resource{"status": "in-progress", "description": l.service()}}},
	}, l.ago(110), s.author(socialWorker, councilSW, councilSWSenior))
}

// service that the council arranged.
func (l *life) service() string {
	if l.profile.maxAge < 18 {
		return "Short breaks, one weekend a month"
	}
	return []string{"Home care, four visits a day", "Day centre, twice a week", "Meals at home", "Telecare alarm"}[l.index%4]
}

// socialServices that were ordered, as their own requests.
func (l *life) socialServices(s *sheet) {
	since := l.ago(100)
	status, _ := l.standing("active", "completed")
	s.add("ServiceRequest", "service", since, resource{
		"status":     status,
		"intent":     "order",
		"code":       words(l.service()),
		"subject":    s.subject(),
		"authoredOn": instant(since),
		"requester":  s.author(socialWorker, councilSW, councilSWSenior),
		"performer":  list{s.organisation()},
		"note":       note("Contact: duty desk, 01632 960200"),
	})
}
