package county

import (
	"strconv"
	"time"
)

// visit is an encounter that other resources belong to.
type visit struct {
	reference  string
	start, end time.Time // a zero end: it lasts
	reason     problem
	clinician  Staff
}

// encounter writes one. class is of HL7's v3-ActCode: AMB, EMER, FLD, IMP, HH.
func (l *life) encounter(s *sheet, key, class string, kind resource, v visit) visit {
	status, changed := "finished", v.end
	if v.end.IsZero() {
		status, changed = "in-progress", v.start
	}
	r := resource{
		"status":          status,
		"class":           resource{"system": terminology + "v3-ActCode", "code": class},
		"type":            list{kind},
		"subject":         s.subject(),
		"period":          period(v.start, v.end),
		"serviceProvider": s.organisation(),
		"participant":     list{resource{"individual": s.practitioner(v.clinician)}},
	}
	if v.reason.code != "" {
		r["reasonCode"] = list{concept(v.reason.code, v.reason.term)}
	}
	v.reference = s.add("Encounter", key, changed, r)
	return v
}

// consultations at the practice over the last years, the last one weeks ago.
func (l *life) consultations(s *sheet) {
	count := 2 + l.rand.IntN(3)
	if l.rich() {
		count = 6
	}
	for n := range count {
		start := l.ago(9 + 75*n).Truncate(24 * time.Hour).Add(10 * time.Hour)
		v := visit{
			start: start, end: start.Add(15 * time.Minute),
			reason: problems[l.profile.problems[n%len(l.profile.problems)]], clinician: s.staff(),
		}
		l.encounter(s, strconv.Itoa(n), "AMB", concept("185349003", "Encounter for check up"), v)
	}
}

// stay in hospital: one of the sick is in a bed now, others went home days ago or last year.
func (l *life) stay(s *sheet) visit {
	v := visit{
		start: l.last().Add(-50 * time.Hour), reason: admissions[l.index%len(admissions)], clinician: s.staff(consultant),
	}
	switch {
	case l.admitted(s.org.ODSCode):
	case l.index%3 == 1:
		v.start, v.end = l.ago(13), l.ago(5)
	default:
		v.start, v.end = l.ago(420), l.ago(414)
	}
	l.care(Episode, s.org.ODSCode, "", v.start, v.end)
	return l.encounter(s, "stay", "IMP", concept("32485007", "Hospital admission"), v)
}

// callAt is when the ambulance came: today for half of those it came to, else last year.
func (l *life) callAt() time.Time {
	if l.rich() || l.index%2 == 0 {
		return l.last().Add(-90 * time.Minute)
	}
	return l.ago(370)
}

// ambulanceCall is one attendance, finished within the hour.
func (l *life) ambulanceCall(s *sheet) visit {
	start := l.callAt()
	v := visit{
		start: start, end: start.Add(50 * time.Minute),
		reason: admissions[l.index%len(admissions)], clinician: s.staff(paramedic),
	}
	l.care(Episode, s.org.ODSCode, "", v.start, v.end)
	return l.encounter(s, "call", "FLD", words("Ambulance attendance"), v)
}

// communityVisits at home over the last weeks.
func (l *life) communityVisits(s *sheet) {
	for n := range 2 {
		start := l.ago(6 + 14*n).Truncate(24 * time.Hour).Add(14 * time.Hour)
		v := visit{
			start: start, end: start.Add(40 * time.Minute),
			reason: problems[l.profile.problems[0]], clinician: l.communityWorker(s),
		}
		l.encounter(s, strconv.Itoa(n), "HH", words("Home visit"), v)
	}
}
