package ingest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// TestContacts: where a code may be sent is what feeds say is in use.
func TestContacts(t *testing.T) {
	t.Parallel()
	patient, err := fhir.Decode([]byte(`{"resourceType": "Patient", "telecom": [
		{"system": "phone", "use": "home", "value": "01202 000000"},
		{"system": "phone", "use": "mobile", "value": " 07700 900123 "},
		{"system": "phone", "value": "+44 (0)7700 900124"},
		{"system": "phone", "value": "0044 7700 900125"},
		{"system": "sms", "value": "+33 6 00 00 00 00"},
		{"system": "phone", "use": "old", "value": "07700 900126"},
		{"system": "phone", "use": "mobile", "value": "07700 900127", "period": {"end": "2020-01-01"}},
		{"system": "phone", "value": "07000 900128"},
		{"system": "phone", "value": "07600 900129"},
		{"system": "fax", "use": "mobile", "value": "07700 900130"},
		{"system": "email", "value": "a@example.org"},
		{"system": "email", "use": "old", "value": "b@example.org"},
		{"system": "email", "value": "` + strings.Repeat("x", 400) + `@example.org"},
		{"system": "email"}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	mobiles, emails := contacts(patient.Telecom)
	if diff := cmp.Diff([]string{"07700 900123", "+44 (0)7700 900124", "0044 7700 900125", "+33 6 00 00 00 00"}, mobiles); diff != "" {
		t.Errorf("mobiles (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a@example.org"}, emails); diff != "" {
		t.Errorf("emails (-want +got)\n%s", diff)
	}
}
