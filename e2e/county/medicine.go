package county

import "time"

// medicine is a line of the catalogue. code is the dm+d product where one is known for certain, else SNOMED CT's substance,
// else empty: real feeds have medicines in words alone, too. display is what the code means, product what was prescribed.
type medicine struct {
	code, display string
	product       string
	dose          string
}

// medicines that the county's people take, by key.
var medicines = map[string]medicine{
	"alendronic":    {"", "", "Alendronic acid 70mg tablets", "One tablet once a week"},
	"amlodipine":    {"386864001", "Amlodipine", "Amlodipine 5mg tablets", "One tablet once a day"},
	"amoxicillin":   {"39732311000001104", "Amoxicillin 250mg capsules", "Amoxicillin 250mg capsules", "One capsule three times a day for seven days"},
	"apixaban":      {"42206511000001102", "Apixaban 5mg tablets", "Apixaban 5mg tablets", "One tablet twice a day"},
	"aspirin":       {"387458008", "Aspirin", "Aspirin 75mg dispersible tablets", "One tablet once a day"},
	"atorvastatin":  {"373444002", "Atorvastatin", "Atorvastatin 20mg tablets", "One tablet at night"},
	"beclometasone": {"116574000", "Beclometasone", "Beclometasone 100micrograms/dose inhaler CFC free", "Two puffs twice a day"},
	"bisoprolol":    {"386868003", "Bisoprolol", "Bisoprolol 2.5mg tablets", "One tablet in the morning"},
	"donepezil":     {"386855006", "Donepezil", "Donepezil 10mg tablets", "One tablet at night"},
	"folicacid":     {"63718003", "Folic acid", "Folic acid 5mg tablets", "One tablet once a week, not on the day of methotrexate"},
	"furosemide":    {"387475002", "Furosemide", "Furosemide 40mg tablets", "One tablet in the morning"},
	"glargine":      {"411529005", "Insulin glargine", "Insulin glargine 100units/ml solution for injection", "As directed, once a day"},
	"lamotrigine":   {"387562000", "Lamotrigine", "Lamotrigine 50mg tablets", "One tablet twice a day"},
	"levothyroxine": {"710809001", "Levothyroxine", "Levothyroxine sodium 50microgram tablets", "One tablet in the morning"},
	"lithium":       {"", "", "Lithium carbonate 400mg modified-release tablets", "One tablet at night"},
	"metformin":     {"372567009", "Metformin", "Metformin 500mg tablets", "One tablet twice a day with food"},
	"methotrexate":  {"387381009", "Methotrexate", "Methotrexate 2.5mg tablets", "Six tablets once a week on Mondays"},
	"morphine":      {"373529000", "Morphine", "Morphine 10mg modified-release tablets", "One tablet twice a day"},
	"olanzapine":    {"386849001", "Olanzapine", "Olanzapine 10mg tablets", "One tablet at night"},
	"omeprazole":    {"387137007", "Omeprazole", "Omeprazole 20mg gastro-resistant capsules", "One capsule in the morning"},
	"paracetamol":   {"42109611000001109", "Paracetamol 500mg tablets", "Paracetamol 500mg tablets", "Two tablets up to four times a day"},
	"ramipril":      {"386872004", "Ramipril", "Ramipril 5mg capsules", "One capsule once a day"},
	"salbutamol":    {"39113611000001102", "Salbutamol 100micrograms/dose inhaler CFC free", "Salbutamol 100micrograms/dose inhaler CFC free", "Two puffs as needed"},
	"sertraline":    {"372594008", "Sertraline", "Sertraline 50mg tablets", "One tablet in the morning"},
	"tiotropium":    {"", "", "Tiotropium bromide 18microgram inhalation powder capsules", "One capsule inhaled once a day"},
}

func (m medicine) concept() resource {
	if m.code == "" {
		return words(m.product)
	}
	return resource{"coding": list{coding(snomed, m.code, m.display)}, "text": m.product}
}

func (m medicine) dosage() list {
	return list{resource{"text": m.dose, "patientInstruction": m.dose}}
}

// taken lists the keys of what the person takes, each once.
func (l *life) taken() []string {
	var keys []string
	seen := map[string]bool{}
	for _, p := range l.profile.problems {
		for _, key := range problems[p].medicines {
			if !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// repeatMedicines are the practice's: what is taken, one that was stopped, and for the rich what the pharmacy dispensed.
func (l *life) repeatMedicines(s *sheet) {
	for n, key := range l.taken() {
		request := l.prescription(s, key, medicines[key], "active", l.ago(10+5*n))
		if l.rich() && n == 0 {
			l.dispensed(s, key, medicines[key], request)
		}
	}
	l.prescription(s, "stopped", medicines["amoxicillin"], "completed", l.ago(300))
}

func (l *life) prescription(s *sheet, key string, m medicine, status string, at time.Time) string {
	return s.add("MedicationRequest", key, at, resource{
		"status":                    status,
		"intent":                    "order",
		"medicationCodeableConcept": m.concept(),
		"subject":                   s.subject(),
		"authoredOn":                instant(at),
		"requester":                 s.author(gp, salariedGP, sessionalGP, consultant),
		"dosageInstruction":         m.dosage(),
	})
}

func (l *life) dispensed(s *sheet, key string, m medicine, request string) {
	at := l.ago(8)
	s.add("MedicationDispense", key, at, resource{
		"status":                    "completed",
		"medicationCodeableConcept": m.concept(),
		"subject":                   s.subject(),
		"authorizingPrescription":   list{resource{"reference": request}},
		"whenHandedOver":            instant(at),
		"dosageInstruction":         m.dosage(),
	})
}

// hospitalMedicines are what the person said to take when admitted, with one dose that differs from the practice's, what
// was given on the ward, and what was prescribed to take home.
func (l *life) hospitalMedicines(s *sheet, v visit) {
	for n, key := range l.taken() {
		m := medicines[key]
		if n == 0 {
			m.dose = "Half the usual dose while in hospital"
		}
		l.statement(s, key, m, v.start)
	}
	pain := medicines["paracetamol"]
	s.add("MedicationAdministration", "ward", v.start, resource{
		"status":                    "completed",
		"medicationCodeableConcept": pain.concept(),
		"subject":                   s.subject(),
		"context":                   resource{"reference": v.reference},
		"effectiveDateTime":         instant(v.start.Add(2 * time.Hour)),
		"performer":                 list{resource{"actor": s.author(nurse)}},
		"dosage":                    resource{"text": "1 g by mouth"},
	})
	if !v.end.IsZero() {
		l.prescription(s, "home", pain, "active", v.end)
	}
}

// communityMedicines are what the community trust knows to be taken.
func (l *life) communityMedicines(s *sheet) {
	for n, key := range l.taken() {
		if n < 2 {
			l.statement(s, key, medicines[key], l.ago(15))
		}
	}
}

func (l *life) statement(s *sheet, key string, m medicine, at time.Time) {
	s.add("MedicationStatement", key, at, resource{
		"status":                    "active",
		"medicationCodeableConcept": m.concept(),
		"subject":                   s.subject(),
		"effectivePeriod":           resource{"start": date(at.AddDate(-1, 0, 0))},
		"dateAsserted":              instant(at),
		"informationSource":         s.author(nurse, consultant),
		"dosage":                    list{resource{"text": m.dose}},
	})
}

// givenAtScene is what the ambulance crew gave.
func (l *life) givenAtScene(s *sheet, v visit) {
	key := []string{"paracetamol", "salbutamol", "aspirin"}[l.index%3]
	s.add("MedicationAdministration", "scene", v.start, resource{
		"status":                    "completed",
		"medicationCodeableConcept": medicines[key].concept(),
		"subject":                   s.subject(),
		"context":                   resource{"reference": v.reference},
		"effectiveDateTime":         instant(v.start.Add(15 * time.Minute)),
		"performer":                 list{resource{"actor": s.practitioner(v.clinician)}},
		"dosage":                    resource{"text": "Single dose at the scene"},
	})
}
