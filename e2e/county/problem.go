package county

// problem is a line of the catalogue: a diagnosis in SNOMED CT, and what usually comes with it.
type problem struct {
	code, term string
	medicines  []string // keys of medicines
	tests      []string // keys of tests
}

// problems that the county's people have, by key.
var problems = map[string]problem{
	"alzheimers":    {"26929004", "Alzheimer's disease", []string{"donepezil"}, []string{"bp"}},
	"anxiety":       {"197480006", "Anxiety disorder", []string{"sertraline"}, nil},
	"arthritis":     {"69896004", "Rheumatoid arthritis", []string{"methotrexate", "folicacid"}, []string{"hb", "creatinine"}},
	"asthma":        {"195967001", "Asthma", []string{"salbutamol", "beclometasone"}, []string{"spo2"}},
	"autism":        {"408856003", "Autistic disorder", nil, nil},
	"backpain":      {"279039007", "Low back pain", []string{"paracetamol"}, nil},
	"bipolar":       {"13746004", "Bipolar disorder", []string{"lithium"}, []string{"creatinine", "sodium"}},
	"breastcancer":  {"254837009", "Malignant neoplasm of breast", []string{"morphine"}, []string{"hb"}},
	"chd":           {"53741008", "Coronary arteriosclerosis", []string{"aspirin", "atorvastatin", "bisoprolol"}, []string{"bp", "cholesterol"}},
	"ckd":           {"433144002", "Chronic kidney disease stage 3", []string{"ramipril"}, []string{"creatinine", "potassium"}},
	"copd":          {"13645005", "Chronic obstructive lung disease", []string{"salbutamol", "tiotropium"}, []string{"spo2"}},
	"dementia":      {"52448006", "Dementia", []string{"donepezil"}, []string{"bp"}},
	"depression":    {"35489007", "Depressive disorder", []string{"sertraline"}, nil},
	"eczema":        {"24079001", "Atopic dermatitis", nil, nil},
	"epilepsy":      {"84757009", "Epilepsy", []string{"lamotrigine"}, []string{"sodium"}},
	"fibrillation":  {"49436004", "Atrial fibrillation", []string{"apixaban", "bisoprolol"}, []string{"pulse", "bp"}},
	"heartfailure":  {"84114007", "Heart failure", []string{"furosemide", "ramipril", "bisoprolol"}, []string{"bp", "creatinine", "potassium"}},
	"hypertension":  {"38341003", "Hypertensive disorder", []string{"amlodipine"}, []string{"bp", "creatinine"}},
	"hypothyroid":   {"40930008", "Hypothyroidism", []string{"levothyroxine"}, []string{"tsh"}},
	"learning":      {"110359009", "Intellectual disability", nil, []string{"weight"}},
	"migraine":      {"37796009", "Migraine", []string{"paracetamol"}, nil},
	"obesity":       {"414916001", "Obesity", nil, []string{"weight"}},
	"osteoarth":     {"396275006", "Osteoarthritis", []string{"paracetamol"}, nil},
	"osteoporosis":  {"64859006", "Osteoporosis", []string{"alendronic"}, nil},
	"parkinsons":    {"49049000", "Parkinson's disease", nil, []string{"bp"}},
	"reflux":        {"235595009", "Gastro-oesophageal reflux disease", []string{"omeprazole"}, nil},
	"schizophrenia": {"58214004", "Schizophrenia", []string{"olanzapine"}, []string{"weight", "hba1c"}},
	"stroke":        {"230690007", "Cerebrovascular accident", []string{"aspirin", "atorvastatin"}, []string{"bp", "cholesterol"}},
	"type1":         {"46635009", "Diabetes mellitus type 1", []string{"glargine"}, []string{"hba1c"}},
	"type2":         {"44054006", "Diabetes mellitus type 2", []string{"metformin"}, []string{"hba1c", "creatinine", "bp"}},
}

// Acute problems come and go; each is resolved.
var passing = []problem{
	{code: "10509002", term: "Acute bronchitis"},
	{code: "195662009", term: "Acute viral pharyngitis"},
	{code: "65363002", term: "Otitis media"},
	{code: "68566005", term: "Urinary tract infectious disease"},
	{code: "44465007", term: "Sprain of ankle"},
	{code: "62106007", term: "Concussion with no loss of consciousness"},
}

// admissions are what brings people to hospital.
var admissions = []problem{
	{code: "233604007", term: "Pneumonia"},
	{code: "5913000", term: "Fracture of neck of femur"},
	{code: "29857009", term: "Chest pain"},
	{code: "68566005", term: "Urinary tract infectious disease"},
	{code: "74400008", term: "Appendicitis"},
	{code: "267036007", term: "Dyspnoea"},
}
