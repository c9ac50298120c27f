package county

import "time"

// allergy is a line of the catalogue.
type allergy struct {
	code, term  string
	category    string
	criticality string
	reaction    string // SNOMED CT code of the manifestation
	shows       string
}

// allergies that the county's people have, by key.
var allergies = map[string]allergy{
	"amoxicillin": {"294505008", "Allergy to amoxicillin", "medication", "low", "422587007", "Nausea"},
	"aspirin":     {"293586001", "Allergy to aspirin", "medication", "high", "4386001", "Bronchospasm"},
	"bee":         {"424213003", "Allergy to bee venom", "environment", "high", "39579001", "Anaphylaxis"},
	"dustmite":    {"232350006", "House dust mite allergy", "environment", "low", "76067001", "Sneezing"},
	"egg":         {"91930004", "Allergy to eggs", "food", "low", "126485001", "Urticaria"},
	"grass":       {"418689008", "Allergy to grass pollen", "environment", "low", "76067001", "Sneezing"},
	"latex":       {"300916003", "Latex allergy", "environment", "low", "126485001", "Urticaria"},
	"nuts":        {"91935009", "Allergy to peanut", "food", "high", "39579001", "Anaphylaxis"},
	"penicillin":  {"91936005", "Allergy to penicillin", "medication", "high", "39579001", "Anaphylaxis"},
	"sulfonamide": {"91939003", "Allergy to sulfonamide", "medication", "low", "271807003", "Eruption of skin"},
}

// allergies as the practice holds them, or its assertion that there are none; for some also one that was entered in error.
func (l *life) allergies(s *sheet) {
	for i, key := range l.profile.allergies {
		l.allergy(s, key, allergies[key], l.yearsAgo(5+3*i), "active", "confirmed")
	}
	if len(l.profile.allergies) == 0 {
		l.noneKnown(s, concept("716186003", "No known allergy"), l.ago(120))
	}
	if l.rich() && l.index%3 == 0 {
		l.allergy(s, "mistake", allergies["sulfonamide"], l.yearsAgo(2), "", "entered-in-error")
	}
}

// hospitalAllergies repeat the practice's first allergy, but say other things of it: a rash, not anaphylaxis; low, not high.
// They stand beside each other, since nobody here may decide who is right.
func (l *life) hospitalAllergies(s *sheet) {
	if len(l.profile.allergies) == 0 {
		return
	}
	milder := allergies[l.profile.allergies[0]]
	milder.criticality, milder.reaction, milder.shows = "low", "271807003", "Eruption of skin"
	l.allergy(s, "conflict", milder, l.ago(60), "active", "unconfirmed")
}

// askedAllergies is what was said to the ambulance crew: for some, that there are none, against what others hold.
func (l *life) askedAllergies(s *sheet) {
	if l.index%2 == 0 {
		l.noneKnown(s, concept("409137002", "No known drug allergy"), l.callAt())
		return
	}
	if len(l.profile.allergies) > 0 {
		key := l.profile.allergies[0]
		l.allergy(s, key, allergies[key], l.callAt(), "active", "unconfirmed")
	}
}

// allergy writes one. clinical is empty for an entry in error, which has no clinical status (FHIR's ait-2).
func (l *life) allergy(s *sheet, key string, a allergy, recorded time.Time, clinical, verification string) {
	r := resource{
		"verificationStatus": coded("allergyintolerance-verification", verification),
		"type":               "allergy",
		"category":           list{a.category},
		"criticality":        a.criticality,
		"code":               concept(a.code, a.term),
		"patient":            s.subject(),
		"recordedDate":       instant(recorded),
		"recorder":           s.author(gp, consultant, paramedic),
		"reaction":           list{resource{"manifestation": list{concept(a.reaction, a.shows)}}},
	}
	if clinical != "" {
		r["clinicalStatus"] = coded("allergyintolerance-clinical", clinical)
	}
	s.add("AllergyIntolerance", key, recorded, r)
}

// noneKnown asserts that there are none, which is another thing than saying nothing.
func (l *life) noneKnown(s *sheet, none resource, recorded time.Time) {
	s.add("AllergyIntolerance", "none", recorded, resource{
		"clinicalStatus":     coded("allergyintolerance-clinical", "active"),
		"verificationStatus": coded("allergyintolerance-verification", "confirmed"),
		"code":               none,
		"patient":            s.subject(),
		"recordedDate":       instant(recorded),
		"recorder":           s.author(gp, paramedic),
	})
}
