package county

import (
	"math"
	"strconv"
	"time"
)

// test is a line of the catalogue: what is measured, in UK SNOMED CT where it has a code of its own, and between which
// values people of the county lie.
type test struct {
	code, term string
	unit, ucum string
	low, high  float64
	laboratory bool
}

var tests = map[string]test{
	"cholesterol": {"1005671000000105", "Serum cholesterol level", "mmol/L", "mmol/L", 3.1, 7.2, true},
	"creatinine":  {"1000731000000107", "Serum creatinine level", "umol/L", "umol/L", 48, 160, true},
	"hb":          {"1022431000000105", "Haemoglobin estimation", "g/L", "g/L", 95, 165, true},
	"hba1c":       {"999791000000106", "Haemoglobin A1c level - International Federation of Clinical Chemistry and Laboratory Medicine standardised", "mmol/mol", "mmol/mol", 38, 96, true},
	"potassium":   {"1000651000000109", "Serum potassium level", "mmol/L", "mmol/L", 3.4, 5.6, true},
	"pulse":       {"78564009", "Pulse rate", "beats/min", "/min", 52, 118, false},
	"resp":        {"86290005", "Respiratory rate", "breaths/min", "/min", 12, 26, false},
	"sodium":      {"1000661000000107", "Serum sodium level", "mmol/L", "mmol/L", 128, 146, true},
	"spo2":        {"103228002", "Haemoglobin saturation with oxygen", "%", "%", 88, 99, false},
	"temperature": {"276885007", "Core body temperature", "degrees C", "Cel", 35.8, 39.1, false},
	"tsh":         {"1022791000000101", "Serum thyroid stimulating hormone level", "mU/L", "m[IU]/L", 0.3, 8.5, true},
	"weight":      {"27113001", "Body weight", "kg", "kg", 15, 128, false},
}

// practiceResults are a measurement for each thing that the person's problems call for, newest first, and whether they smoke.
func (l *life) practiceResults(s *sheet) {
	done := map[string]bool{}
	for _, key := range l.profile.problems {
		for _, name := range problems[key].tests {
			if done[name] {
				continue
			}
			done[name] = true
			l.measure(s, name, name, l.ago(20+len(done)), "")
			if l.rich() {
				l.measure(s, name+"-before", name, l.ago(390+len(done)), "")
			}
		}
	}
	smoking := []problem{{code: "266919005", term: "Never smoked tobacco"}, {code: "8517006", term: "Ex-smoker"}, {code: "77176002", term: "Smoker"}}[l.index%3]
	if l.profile.minAge >= 16 {
		s.add("Observation", "smoking", l.ago(200), resource{
			"status":            "final",
			"code":              concept(smoking.code, smoking.term),
			"subject":           s.subject(),
			"effectiveDateTime": instant(l.ago(200)),
			"performer":         list{s.author(gp, sessionalGP)},
		})
	}
}

// hospitalResults are the admission's bloods in one report, a chest X-ray with its report, and observations on the ward.
func (l *life) hospitalResults(s *sheet, v visit) {
	at := v.start.Add(3 * time.Hour)
	var results list
	for _, name := range []string{"hb", "creatinine", "sodium", "potassium"} {
		results = append(results, resource{"reference": l.measure(s, name, name, at, v.reference)})
	}
	l.report(s, "bloods", words("Blood tests on admission"), "LAB", at, v, resource{"result": results})
	study := s.add("ImagingStudy", "chest", at, resource{
		"status":        "available",
		"subject":       s.subject(),
		"started":       instant(at),
		"encounter":     resource{"reference": v.reference},
		"procedureCode": list{concept("399208008", "Plain X-ray of chest")},
		"modality":      list{resource{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "DX"}},
		"description":   "Chest X-ray",
	})
	l.report(s, "chest", concept("399208008", "Plain X-ray of chest"), "RAD", at.Add(time.Hour), v, resource{
		"imagingStudy": list{resource{"reference": study}},
		"conclusion":   "No focal consolidation. Heart size within normal limits.",
	})
	l.newsScore(s, v)
}

func (l *life) report(s *sheet, key string, code resource, category string, at time.Time, v visit, more resource) {
	r := resource{
		"status":            "final",
		"category":          list{coded("v2-0074", category)},
		"code":              code,
		"subject":           s.subject(),
		"encounter":         resource{"reference": v.reference},
		"effectiveDateTime": instant(at),
		"issued":            instant(at),
		"performer":         list{s.author(radiologist, consultant)},
	}
	for name, value := range more {
		r[name] = value
	}
	s.add("DiagnosticReport", key, at, r)
}

// newsScore is the early warning score on the ward. It is amended for some: one value corrected after it was sent.
func (l *life) newsScore(s *sheet, v visit) {
	status := "final"
	if l.index%5 == 0 {
		status = "amended"
	}
	at := v.start.Add(20 * time.Hour)
	s.add("Observation", "news2", at, resource{
		"status":            status,
		"category":          list{coded("observation-category", "vital-signs")},
		"code":              concept("1104051000000101", "Royal College of Physicians NEWS2 (National Early Warning Score 2) total score"),
		"subject":           s.subject(),
		"encounter":         resource{"reference": v.reference},
		"effectiveDateTime": instant(at),
		"valueInteger":      l.index % 8,
		"performer":         list{s.author(nurse)},
	})
}

// observedAtScene is what the ambulance crew measured.
func (l *life) observedAtScene(s *sheet, v visit) {
	for _, name := range []string{"bp", "pulse", "resp", "spo2", "temperature"} {
		l.measure(s, name, name, v.start.Add(10*time.Minute), v.reference)
	}
}

// measure writes one result within what is usual in the county.
func (l *life) measure(s *sheet, key, name string, at time.Time, encounter string) string {
	if name == "bp" {
		return l.bloodPressure(s, key, at, encounter)
	}
	t := tests[name]
	category := "vital-signs"
	if t.laboratory {
		category = "laboratory"
	}
	r := l.observation(s, category, concept(t.code, t.term), at, encounter)
	r["valueQuantity"] = quantity(l.between(t.low, t.high), t.unit, t.ucum)
	if t.laboratory {
		r["referenceRange"] = list{resource{"text": strconv.FormatFloat(t.low, 'f', -1, 64) + " to " + strconv.FormatFloat(t.high, 'f', -1, 64)}}
	}
	return s.add("Observation", key, at, r)
}

func (l *life) bloodPressure(s *sheet, key string, at time.Time, encounter string) string {
	r := l.observation(s, "vital-signs", concept("75367002", "Blood pressure"), at, encounter)
	r["component"] = list{
		resource{"code": concept("72313002", "Systolic arterial pressure"), "valueQuantity": quantity(math.Round(l.between(98, 182)), "mmHg", "mm[Hg]")},
		resource{"code": concept("1091811000000102", "Diastolic arterial pressure"), "valueQuantity": quantity(math.Round(l.between(52, 104)), "mmHg", "mm[Hg]")},
	}
	return s.add("Observation", key, at, r)
}

func (l *life) observation(s *sheet, category string, code resource, at time.Time, encounter string) resource {
	r := resource{
		"status":            "final",
		"category":          list{coded("observation-category", category)},
		"code":              code,
		"subject":           s.subject(),
		"effectiveDateTime": instant(at),
		"performer":         list{s.author(nurse, gp, sessionalGP, paramedic)},
	}
	if encounter != "" {
		r["encounter"] = resource{"reference": encounter}
	}
	return r
}

// between two values, to one decimal.
func (l *life) between(low, high float64) float64 {
	return math.Round((low+l.rand.Float64()*(high-low))*10) / 10
}

func quantity(value float64, unit, ucum string) resource {
	return resource{"value": value, "unit": unit, "system": units, "code": ucum}
}
