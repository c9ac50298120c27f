package county

import (
	"strconv"
	"time"
)

// operations of the past, in SNOMED CT.
var operations = []problem{
	{code: "80146002", term: "Appendicectomy"},
	{code: "52734007", term: "Total hip replacement"},
	{code: "38102005", term: "Cholecystectomy"},
	{code: "73761001", term: "Colonoscopy"},
	{code: "415070008", term: "Percutaneous coronary intervention"},
}

// procedures of the hospital: one of this stay, one of long ago.
func (l *life) procedures(s *sheet, v visit) {
	l.procedure(s, "stay", problem{code: "29303009", term: "Electrocardiographic procedure"}, v.start.Add(time.Hour), v.reference)
	l.procedure(s, "past", operations[l.index%len(operations)], l.yearsAgo(6), "")
}

func (l *life) procedure(s *sheet, key string, p problem, at time.Time, encounter string) {
	r := resource{
		"status":            "completed",
		"code":              concept(p.code, p.term),
		"subject":           s.subject(),
		"performedDateTime": instant(at),
		"performer":         list{resource{"actor": s.author(consultant)}},
	}
	if encounter != "" {
		r["encounter"] = resource{"reference": encounter}
	}
	s.add("Procedure", key, at, r)
}

// vaccine is a line of the schedule. Products are named in words: no code of theirs is known for certain.
type vaccine struct {
	name           string
	minAge, maxAge int
}

var vaccines = []vaccine{
	{"Measles, mumps and rubella vaccine", 1, 40},
	{"Diphtheria, tetanus, pertussis, polio and Hib vaccine", 1, 30},
	{"Influenza vaccine", 2, 120},
	{"COVID-19 mRNA vaccine", 60, 120},
	{"Pneumococcal polysaccharide vaccine", 65, 120},
	{"Shingles vaccine", 65, 120},
}

// vaccinations that the practice gave, or in one case could not.
func (l *life) vaccinations(s *sheet) {
	for n, v := range vaccines {
		if l.profile.minAge < v.minAge || l.profile.maxAge > v.maxAge {
			continue
		}
		at := l.ago(35 + 200*n)
		r := resource{
			"status":             "completed",
			"vaccineCode":        words(v.name),
			"patient":            s.subject(),
			"occurrenceDateTime": instant(at),
			"primarySource":      true,
			"performer":          list{resource{"actor": s.author(nurse, gp, sessionalGP)}},
		}
		if (l.index+n)%9 == 0 {
			r["status"] = "not-done"
			r["statusReason"] = coded("v3-ActReason", "PATOBJ")
		}
		s.add("Immunization", strconv.Itoa(n), at, r)
	}
}
