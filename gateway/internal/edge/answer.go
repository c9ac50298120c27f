package edge

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// The JSON of AIP-193. Names are as in the protos, like everywhere else.
type (
	errorBody struct {
		Error errorStatus `json:"error"`
	}
	errorStatus struct {
		Code    int    `json:"code"`
		Status  string `json:"status"`
		Message string `json:"message"`
		Details []any  `json:"details"`
	}
	errorInfo struct {
		Type     string            `json:"@type"`
		Reason   string            `json:"reason"`
		Domain   string            `json:"domain"`
		Metadata map[string]string `json:"metadata,omitempty"`
	}
	badRequest struct {
		Type       string           `json:"@type"`
		Violations []fieldViolation `json:"field_violations"`
	}
	fieldViolation struct {
		Field       string `json:"field"`
		Description string `json:"description"`
		Reason      string `json:"reason,omitempty"`
	}
	requestInfo struct {
		Type      string `json:"@type"`
		RequestID string `json:"request_id"`
	}
)

const typePrefix = "type.googleapis.com/google.rpc."

// writeProblem answers with p, as an OperationOutcome where the path speaks FHIR.
func writeProblem(w http.ResponseWriter, r *http.Request, p *problem) {
	visit := visitOf(r.Context())
	visit.reason = p.fault.Reason
	p.headers(w.Header())
	if isFHIR(r.URL.Path) {
		writeBytes(w, p.status, typeFHIR, outcomeOf(p, visit.requestID.String()))
		return
	}
	writeBytes(w, p.status, typeJSON, p.json(visit.requestID.String()))
}

func writeBytes(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A caller who went away needs no answer, and there is nobody else to tell.
	_, _ = w.Write(body)
}

func (p *problem) json(requestID string) []byte {
	details := []any{errorInfo{typePrefix + "ErrorInfo", p.fault.Reason, fault.Domain, p.fault.Metadata}}
	if v := p.violations(); len(v) > 0 {
		details = append(details, badRequest{typePrefix + "BadRequest", v})
	}
	details = append(details, requestInfo{typePrefix + "RequestInfo", requestID})
	return mustJSON(errorBody{errorStatus{p.status, p.statusName(), p.fault.Text, details}})
}

// violations leave out a field without a name, which means the request as a whole.
func (p *problem) violations() []fieldViolation {
	var all []fieldViolation
	for _, f := range p.fault.Fields {
		if f.Name != "" {
			all = append(all, fieldViolation{f.Name, f.Text, f.Reason})
		}
	}
	return all
}

// mustJSON prints values of this file's and outcome.go's own types, which hold
// strings and numbers and so cannot fail; an empty body would still be no data.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return append(b, '\n')
}
