package service

import (
	"encoding/json"
	"fmt"

	"github.com/dorsetcarerecord/dcr/gateway/internal/auditevent"
)

// statementDate is when the statement below last changed.
const statementDate = "2026-11-22"

// The parts of FHIR's CapabilityStatement that are used.
type (
	statement struct {
		ResourceType   string            `json:"resourceType"`
		Status         string            `json:"status"`
		Date           string            `json:"date"`
		Kind           string            `json:"kind"`
		Software       map[string]string `json:"software"`
		Implementation map[string]string `json:"implementation"`
		FHIRVersion    string            `json:"fhirVersion"`
		Format         []string          `json:"format"`
		Rest           []statementRest   `json:"rest"`
	}
	statementRest struct {
		Mode          string                 `json:"mode"`
		Documentation string                 `json:"documentation"`
		Security      map[string]any         `json:"security"`
		Resource      []statementResource    `json:"resource"`
		Interaction   []statementInteraction `json:"interaction"`
	}
	statementInteraction struct {
		Code          string `json:"code"`
		Documentation string `json:"documentation,omitempty"`
	}
	statementResource struct {
		Type             string                 `json:"type"`
		SupportedProfile []string               `json:"supportedProfile"`
		Documentation    string                 `json:"documentation"`
		Interaction      []statementInteraction `json:"interaction"`
		SearchParam      []statementParam       `json:"searchParam"`
	}
	statementParam struct {
		Name          string `json:"name"`
		Type          string `json:"type"`
		Documentation string `json:"documentation"`
	}
)

// capability says what /fhir/R4 does, and nothing that it does not: it takes
// transaction bundles from partners, and shows the audit log to those who may see
// it. No record is read, searched or changed through it.
func capability(version string) ([]byte, error) {
	s := statement{
		ResourceType:   "CapabilityStatement",
		Status:         "active",
		Date:           statementDate,
		Kind:           "instance",
		Software:       map[string]string{"name": "Dorset Care Record gateway", "version": version},
		Implementation: map[string]string{"description": "Feeds of partner organisations into the Dorset Care Record, and its audit log"},
		FHIRVersion:    "4.0.1",
		Format:         []string{typeFHIR},
		Rest: []statementRest{{
			Mode: "server",
			Documentation: "Feeds in, and the audit log out: records are read through the suite's own calls. Resources are checked by " +
				"our own rules, which are not the validation of a profile.",
			Security: map[string]any{
				"service": []any{map[string]any{"coding": []any{map[string]string{
					"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "OAuth",
				}}}},
				"description": "Bearer tokens. Feeds: OAuth 2 client credentials of a registered partner, who sends only as itself. Audit " +
					"events: OpenID Connect sign-in of a privacy officer, Caldicott Guardian or audit manager.",
			},
			Resource: []statementResource{auditEvents()},
			Interaction: []statementInteraction{{
				Code: "transaction",
				Documentation: "One bundle of at most 16 MiB and 5,000 entries about one person: PUT by id, POST with urn:uuid " +
					"references and ifNoneExist, DELETE by id. All of it is stored or none. GET, PATCH, conditional update and " +
					"conditional delete are refused.",
			}},
		}},
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("print capability statement: %w", err)
	}
	return b, nil
}

// auditEvents is the one resource that can be read.
func auditEvents() statementResource {
	r := statementResource{
		Type: "AuditEvent",
		Documentation: "Made from the stored events when they are asked for; at most one patient in each. Newest first; the link next " +
			"carries an opaque token. Any other parameter is refused. Every search and read is itself an audit event.",
		Interaction: []statementInteraction{{Code: "read"}, {Code: "search-type", Documentation: "By GET, or by POST to _search."}},
		SearchParam: []statementParam{
			{auditevent.ParamPatient, "token", "An NHS number; its system may be left out."},
			{auditevent.ParamAgent, "token", "A member of staff by id, or an organisation by ODS code with its system."},
			{auditevent.ParamDate, "date", "With eq, ge, gt, le or lt; at most a lower and an upper bound."},
			{auditevent.ParamOutcome, "token", "0 success, 4 refused, 8 failed."},
			{auditevent.ParamType, "token", "rest, or DCM 110114 for sign-ins."},
			{auditevent.ParamSubtype, "token", "Our action, such as record.view."},
		},
	}
	r.SupportedProfile = auditevent.Profiles()
	return r
}
