package service

import (
	"encoding/json"
	"fmt"
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
		Interaction   []statementInteraction `json:"interaction"`
	}
	statementInteraction struct {
		Code          string `json:"code"`
		Documentation string `json:"documentation"`
	}
)

// capability says what /fhir/R4 does, and nothing that it does not: it takes
// transaction bundles from partners. Nothing can be read, searched or changed
// through it, so no resource is listed.
func capability(version string) ([]byte, error) {
	s := statement{
		ResourceType:   "CapabilityStatement",
		Status:         "active",
		Date:           statementDate,
		Kind:           "instance",
		Software:       map[string]string{"name": "Dorset Care Record gateway", "version": version},
		Implementation: map[string]string{"description": "Feeds of partner organisations into the Dorset Care Record"},
		FHIRVersion:    "4.0.1",
		Format:         []string{typeFHIR},
		Rest: []statementRest{{
			Mode: "server",
			Documentation: "Feeds in, nothing out: records are read through the suite's own calls. Resources are checked by " +
				"our own rules, which are not the validation of a profile.",
			Security: map[string]any{
				"service": []any{map[string]any{"coding": []any{map[string]string{
					"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "OAuth",
				}}}},
				"description": "OAuth 2 client credentials of a registered partner, as a bearer token. A partner sends only as itself.",
			},
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
