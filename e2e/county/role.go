package county

// Role is a profession by its national job role code (DOMAIN.md section 3).
type Role struct {
	// Code such as "R1070".
	Code string
	// Name in words.
	Name string
}

// Codes of roles that those who load a county act in.
const (
	PrivacyOfficerCode = "R0001"
	SafeguardingCode   = "R9535"
	// AdministratorCode is the suite's own: no national code means it (gateway's access policy).
	AdministratorCode = "DCR-ADMIN"
)

// Roles of the county's staff.
var (
	gp                 = Role{"R0260", "General practitioner"}
	salariedGP         = Role{"R0270", "Salaried general practitioner"}
	sessionalGP        = Role{"R6300", "Sessional general practitioner"}
	consultant         = Role{"R0050", "Consultant"}
	radiologist        = Role{"R0014", "Radiologist"}
	paramedic          = Role{"R1070", "Paramedic"}
	physiotherapist    = Role{"R1110", "Physiotherapist"}
	occupational       = Role{"R0950", "Occupational therapist"}
	councilOT          = Role{"R9550", "Occupational therapist"}
	socialWorker       = Role{"R1330", "Social worker"}
	councilSW          = Role{"R9520", "Social worker"}
	councilSWChildren  = Role{"R9570", "Social worker"}
	councilSWSenior    = Role{"R9590", "Social worker"}
	mentalHealth       = Role{"R1975", "Mental health practitioner"}
	mentalHealthNurse  = Role{"R1981", "Mental health practitioner"}
	mentalHealthSocial = Role{"R1310", "Mental health practitioner"}
	approvedMH         = Role{"R1340", "Approved mental health professional"}
	safeguarding       = Role{SafeguardingCode, "Safeguarding officer"}
	nurse              = Role{"R8001", "Nurse"}
	privacyOfficer     = Role{PrivacyOfficerCode, "Privacy officer"}
	caldicott          = Role{"R5105", "Caldicott Guardian"}
	auditManager       = Role{"R5100", "Audit manager"}
	administrator      = Role{AdministratorCode, "Administrator"}
)

// NationalCode is the triple in which national sign-in names the role.
func (r Role) NationalCode() string { return "S8000:G8000:" + r.Code }
