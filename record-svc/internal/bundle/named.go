package bundle

import (
	"encoding/json"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// NamedPerson is the NHS number of the one Patient of a refused bundle, so that staff who open that person
// see that a feed was refused. Empty unless there is exactly one and it is valid: a refusal is shown to
// nobody rather than on the wrong record.
func NamedPerson(body []byte) string {
	var sent struct {
		Entry []struct {
			Resource struct {
				ResourceType fhir.Text
				Identifier   json.RawMessage
			}
		}
	}
	if limits := Standard(); len(body) > limits.Bytes || fhir.TooDeep(body, limits.Depth) || json.Unmarshal(body, &sent) != nil {
		return ""
	}
	found := ""
	for _, e := range sent.Entry {
		if e.Resource.ResourceType != "Patient" {
			continue
		}
		var identifiers fhir.List[fhir.Identifier]
		if json.Unmarshal(e.Resource.Identifier, &identifiers) != nil {
			return ""
		}
		for _, i := range identifiers {
			if i.System != fhir.SystemNHSNumber || i.Use == "old" || i.Value == "" {
				continue
			}
			number, err := nhsnumber.Parse(string(i.Value))
			if err != nil || found != "" && found != string(number) {
				return ""
			}
			found = string(number)
		}
	}
	return found
}
