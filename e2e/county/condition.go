package county

import (
	"strconv"
	"time"
)

// onset of one of the person's problems: the same whoever tells of it, so that two organisations tell of the same thing.
func (l *life) onset(n int) time.Time {
	born := l.born()
	lived := l.last().Sub(born)
	// Between half and nine tenths of the life so far, in the order of the profile.
	part := 5 + (l.index+n)%5
	return born.Add(lived / 10 * time.Duration(part)).Truncate(24 * time.Hour)
}

// problems as the practice lists them: the lasting ones, one that passed, and for some one that was entered in error.
func (l *life) problems(s *sheet) {
	for n, key := range l.profile.problems {
		l.condition(s, key, problems[key], l.onset(n), "active", "confirmed")
	}
	l.condition(s, "passed", passing[l.index%len(passing)], l.yearsAgo(1), "resolved", "confirmed")
	if l.rich() && l.index%4 == 0 {
		l.condition(s, "mistake", problems["epilepsy"], l.yearsAgo(1), "", "entered-in-error")
	}
}

// sharedProblems are those that the hospital lists as well, in the same words and from the same day: duplicates.
func (l *life) sharedProblems(s *sheet) {
	for n, key := range l.profile.problems {
		if n < 2 {
			l.condition(s, key, problems[key], l.onset(n), "active", "confirmed")
		}
	}
}

// condition writes one. clinical is empty for an entry in error, which has no clinical status (FHIR's con-5).
func (l *life) condition(s *sheet, key string, p problem, onset time.Time, clinical, verification string) {
	r := resource{
		"verificationStatus": coded("condition-ver-status", verification),
		"category":           list{coded("condition-category", "problem-list-item")},
		"code":               concept(p.code, p.term),
		"subject":            s.subject(),
		"onsetDateTime":      date(onset),
		"recordedDate":       date(onset),
		"recorder":           s.author(gp, consultant),
	}
	if clinical != "" {
		r["clinicalStatus"] = coded("condition-clinical", clinical)
	}
	if clinical == "resolved" {
		r["abatementDateTime"] = date(onset.AddDate(0, 0, 14))
	}
	s.add("Condition", key, onset, r)
}

// familyHistory that the practice was told.
func (l *life) familyHistory(s *sheet) {
	for n, key := range l.profile.family {
		p := problems[key]
		relative := []struct{ code, display string }{{"FTH", "father"}, {"MTH", "mother"}}[n%2]
		s.add("FamilyMemberHistory", strconv.Itoa(n), l.ago(900), resource{
			"status":       "completed",
			"patient":      s.subject(),
			"date":         date(l.ago(900)),
			"relationship": resource{"coding": list{coding(terminology+"v3-RoleCode", relative.code, relative.display)}},
			"condition":    list{resource{"code": concept(p.code, p.term), "onsetString": "in their sixties"}},
		})
	}
}
