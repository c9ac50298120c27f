package auditevent

// The parts of FHIR R4 that are used, in the order in which they are written.
type (
	resource struct {
		ResourceType string   `json:"resourceType"`
		ID           string   `json:"id"`
		Meta         *meta    `json:"meta,omitempty"`
		Type         coding   `json:"type"`
		Subtype      []coding `json:"subtype,omitempty"`
		Action       string   `json:"action,omitempty"`
		Recorded     string   `json:"recorded"`
		Outcome      string   `json:"outcome,omitempty"`
		OutcomeDesc  string   `json:"outcomeDesc,omitempty"`
		Agent        []agent  `json:"agent"`
		Source       source   `json:"source"`
		Entity       []entity `json:"entity,omitempty"`
	}
	meta struct {
		Profile []string `json:"profile"`
	}
	coding struct {
		System  string `json:"system"`
		Code    string `json:"code"`
		Display string `json:"display,omitempty"`
	}
	concept struct {
		Coding []coding `json:"coding,omitempty"`
		Text   string   `json:"text,omitempty"`
	}
	identifier struct {
		System string `json:"system,omitempty"`
		Value  string `json:"value"`
	}
	reference struct {
		Type       string      `json:"type,omitempty"`
		Identifier *identifier `json:"identifier,omitempty"`
		Display    string      `json:"display,omitempty"`
	}
	agent struct {
		Type         *concept   `json:"type,omitempty"`
		Role         []concept  `json:"role,omitempty"`
		Who          *reference `json:"who,omitempty"`
		AltID        string     `json:"altId,omitempty"`
		Name         string     `json:"name,omitempty"`
		Requestor    bool       `json:"requestor"`
		Policy       []string   `json:"policy,omitempty"`
		Network      *network   `json:"network,omitempty"`
		PurposeOfUse []concept  `json:"purposeOfUse,omitempty"`
	}
	network struct {
		Address string `json:"address"`
		Type    string `json:"type"`
	}
	source struct {
		Site     string    `json:"site"`
		Observer reference `json:"observer"`
		Type     []coding  `json:"type"`
	}
	entity struct {
		What        *reference `json:"what,omitempty"`
		Type        *coding    `json:"type,omitempty"`
		Role        *coding    `json:"role,omitempty"`
		Description string     `json:"description,omitempty"`
		Query       []byte     `json:"query,omitempty"` // encoding/json writes base64, as FHIR wants
		Detail      []detail   `json:"detail,omitempty"`
	}
	detail struct {
		Type   string `json:"type"`
		String string `json:"valueString,omitempty"`
		Bytes  []byte `json:"valueBase64Binary,omitempty"`
	}
)

// Code systems of FHIR, DICOM, IHE and the NHS.
const (
	systemEventType  = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	systemDICOM      = "http://dicom.nema.org/resources/ontology/DCM"
	systemRestful    = "http://hl7.org/fhir/restful-interaction"
	systemPart       = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemReason     = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemEntity     = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	systemObjectRole = "http://terminology.hl7.org/CodeSystem/object-role"
	systemSource     = "http://terminology.hl7.org/CodeSystem/security-source-type"
	systemBALPEntity = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
	systemJobRole    = "https://fhir.hl7.org.uk/CodeSystem/UKCore-SDSJobRoleName"
	// SystemNHSNumber and SystemODS are the identifier systems of DOMAIN section 9.
	SystemNHSNumber = "https://fhir.nhs.uk/Id/nhs-number"
	SystemODS       = "https://fhir.nhs.uk/Id/ods-organization-code"

	profilePrefix = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
)

// Our own. They are names, and nothing answers there.
const (
	// SystemStaff identifies members of staff in identity-svc; SystemAction names actions of the audit log.
	SystemStaff  = "https://dorsetcarerecord/Id/staff"
	SystemAction = "https://dorsetcarerecord/CodeSystem/audit-action"

	systemOwnEntity  = "https://dorsetcarerecord/CodeSystem/audit-entity"
	systemOwnAgent   = "https://dorsetcarerecord/CodeSystem/audit-agent"
	systemOwnRole    = "https://dorsetcarerecord/CodeSystem/role"
	systemOwnPurpose = "https://dorsetcarerecord/CodeSystem/purpose"
	systemSubject    = "https://dorsetcarerecord/Id/subject"
	systemClient     = "https://dorsetcarerecord/Id/client"
	idPrefix         = "https://dorsetcarerecord/Id/"
	policyPrefix     = "https://dorsetcarerecord/policy/"
	rulePrefix       = "https://dorsetcarerecord/rule"
	site             = "Dorset Care Record"
)
