package county

// profile is a kind of life: what somebody has, and who is involved.
type profile struct {
	name           string
	minAge, maxAge int
	problems       []string // keys of problems, the main one first
	allergies      []string // keys of allergies; none: "none known" is asserted
	family         []string // keys of problems that run in the family
	hospital       bool
	community      bool
	council        bool
	ambulance      bool
	safeguarding   safeguard
	mentalHealth   bool
	palliative     bool
}

// safeguard says whom a safeguarding flag protects.
type safeguard int

const (
	noSafeguarding safeguard = iota
	child
	adult
)

// richProfiles are those of people with entries in every section.
var richProfiles = []profile{
	{
		name: "frail", minAge: 78, maxAge: 94,
		problems:  []string{"heartfailure", "fibrillation", "ckd", "osteoarth", "dementia"},
		allergies: []string{"penicillin", "latex"}, family: []string{"chd"}, safeguarding: adult,
	},
	{
		name: "diabetes", minAge: 48, maxAge: 77,
		problems:  []string{"type2", "hypertension", "obesity", "chd"},
		allergies: []string{"aspirin"}, family: []string{"type2", "stroke"}, safeguarding: adult,
	},
	{
		name: "severe mental illness", minAge: 25, maxAge: 64,
		problems:  []string{"schizophrenia", "type2", "copd"},
		allergies: []string{"egg", "penicillin"}, family: []string{"depression"}, safeguarding: adult, mentalHealth: true,
	},
	{
		name: "palliative", minAge: 55, maxAge: 85,
		problems:  []string{"breastcancer", "hypothyroid", "depression"},
		allergies: []string{"penicillin", "nuts"}, family: []string{"breastcancer"}, safeguarding: adult, palliative: true,
	},
	{
		name: "child with complex needs", minAge: 4, maxAge: 15,
		problems:  []string{"epilepsy", "learning", "asthma"},
		allergies: []string{"nuts", "dustmite"}, family: []string{"epilepsy"}, safeguarding: child,
	},
}

// profiles of everybody else.
var profiles = []profile{
	{name: "well child", minAge: 1, maxAge: 12, problems: []string{"eczema"}, family: []string{"asthma"}},
	{name: "asthmatic", minAge: 8, maxAge: 50, problems: []string{"asthma"}, allergies: []string{"grass", "dustmite"}, ambulance: true},
	{name: "working age", minAge: 18, maxAge: 60, problems: []string{"backpain", "migraine"}},
	{
		name: "raised pressure", minAge: 45, maxAge: 80, problems: []string{"hypertension", "reflux"},
		allergies: []string{"penicillin"}, family: []string{"stroke"}, hospital: true,
	},
	{
		name: "anxious", minAge: 17, maxAge: 55, problems: []string{"anxiety", "depression"}, community: true, mentalHealth: true,
	},
	{
		name: "after a stroke", minAge: 60, maxAge: 90, problems: []string{"stroke", "hypertension"},
		allergies: []string{"amoxicillin"}, hospital: true, community: true, council: true, ambulance: true,
	},
	{
		name: "lung disease", minAge: 55, maxAge: 88, problems: []string{"copd", "osteoporosis"}, hospital: true, ambulance: true,
	},
	{
		name: "looked after", minAge: 3, maxAge: 16, problems: []string{"autism"}, council: true, community: true, safeguarding: child,
	},
	{
		name: "inflamed joints", minAge: 35, maxAge: 75, problems: []string{"arthritis", "hypothyroid"},
		allergies: []string{"sulfonamide"}, hospital: true,
	},
	{
		name: "living alone", minAge: 80, maxAge: 97, problems: []string{"osteoarth", "alzheimers"}, council: true,
		ambulance: true, safeguarding: adult,
	},
	{name: "insulin", minAge: 10, maxAge: 45, problems: []string{"type1"}, allergies: []string{"bee"}, hospital: true},
	{
		name: "ups and downs", minAge: 22, maxAge: 60, problems: []string{"bipolar"}, community: true, mentalHealth: true,
	},
	{name: "tremor", minAge: 62, maxAge: 88, problems: []string{"parkinsons", "hypertension"}, community: true, hospital: true},
}
