package county

// referral that the community trust received from the practice, or where that is outside from somebody unnamed.
func (l *life) referral(s *sheet) {
	received := l.ago(75)
	status, ended := l.standing("active", "completed")
	l.care(Referral, s.org.ODSCode, "", received, ended)
	s.add("ServiceRequest", "referral", received, resource{
		"status":     status,
		"intent":     "order",
		"category":   list{concept("3457005", "Patient referral")},
		"code":       words("Referral to community services"),
		"subject":    s.subject(),
		"authoredOn": instant(received),
		"requester":  organisationIdentity(l.practice()),
		"performer":  list{s.organisation()},
		"reasonCode": list{concept(problems[l.profile.problems[0]].code, problems[l.profile.problems[0]].term)},
	})
}
