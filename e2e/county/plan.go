package county

import "time"

// selfCarePlan is the practice's plan with the person, with what it aims at.
func (l *life) selfCarePlan(s *sheet) {
	if !l.rich() && l.index%2 == 1 {
		return
	}
	main := problems[l.profile.problems[0]]
	goal := l.goal(s, "self", "Knows what to do when it gets worse", l.ago(60))
	l.plan(s, "self", resource{
		"title":       "Self care plan: " + main.term,
		"description": "What the person does, what the practice does, and when to call.",
		"category":    list{concept("326051000000105", "Self care")},
		"goal":        list{resource{"reference": goal}},
		"activity": list{resource{"detail": resource{
			"status": "in-progress", "description": "Review once a year, sooner when symptoms change",
		}}},
	}, l.ago(60), s.author(gp, sessionalGP))
}

// communityTeam has the person on its caseload, and names who visits.
func (l *life) communityTeam(s *sheet) {
	worker := l.communityWorker(s)
	name := "Community nursing team"
	if l.profile.mentalHealth {
		name = "Community mental health team"
	}
	l.team(s, name, []Staff{worker, s.staff(occupational)}, l.ago(70))
}

// communityWorker is who visits: a mental health practitioner, or a nurse.
func (l *life) communityWorker(s *sheet) Staff {
	if l.profile.mentalHealth {
		return s.staff(mentalHealth, mentalHealthNurse, mentalHealthSocial)
	}
	return s.staff(nurse, physiotherapist)
}

// communityPlan of the team: for mental health, for the last months of life, or for care at home.
func (l *life) communityPlan(s *sheet) {
	title, category := "Care at home", words("Community nursing care plan")
	description := "Visits each fortnight: skin, medication, blood pressure."
	switch {
	case l.profile.mentalHealth:
		title, category = "Mental health care plan", words("Mental health care plan")
		description = "Early signs: poor sleep, keeping away from others. Call the team, at night the crisis line."
	case l.profile.palliative:
		title, category = "Advance care plan", words("Advance care plan")
		description = "Wishes to be cared for at home. Not for attempted resuscitation; the form is with the person."
	}
	goal := l.goal(s, "team", "Stays at home, safe and comfortable", l.ago(40))
	l.plan(s, "team", resource{
		"title": title, "description": description, "category": list{category}, "goal": list{resource{"reference": goal}},
	}, l.ago(40), s.practitioner(l.communityWorker(s)))
}

// plan writes a CarePlan that is followed now.
func (l *life) plan(s *sheet, key string, content resource, since time.Time, author resource) {
	status, ended := l.standing("active", "completed")
	content["status"] = status
	content["intent"] = "plan"
	content["subject"] = s.subject()
	content["period"] = period(since, ended)
	content["created"] = instant(since)
	content["author"] = author
	s.add("CarePlan", key, since, content)
}

func (l *life) goal(s *sheet, key, text string, since time.Time) string {
	status, _ := l.standing("active", "completed")
	return s.add("Goal", key, since, resource{
		"lifecycleStatus":   status,
		"achievementStatus": coded("goal-achievement", "in-progress"),
		"description":       words(text),
		"subject":           s.subject(),
		"startDate":         date(since),
	})
}

// team writes a CareTeam, and the caseload of each of its members.
func (l *life) team(s *sheet, name string, members []Staff, since time.Time) {
	var participants list
	status, ended := l.standing("active", "inactive")
	for _, member := range members {
		participants = append(participants, resource{
			"role":       list{words(member.Role.Name)},
			"member":     s.practitioner(member),
			"onBehalfOf": s.organisation(),
		})
		l.care(Caseload, s.org.ODSCode, member.Subject, since, ended)
	}
	s.add("CareTeam", "team", since, resource{
		"status":               status,
		"name":                 name,
		"subject":              s.subject(),
		"period":               period(since, ended),
		"participant":          participants,
		"managingOrganization": list{s.organisation()},
		"telecom":              list{resource{"system": "phone", "value": "01632 960100"}},
	})
}
