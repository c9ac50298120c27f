package blackbox_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// ukCoreRefused are the examples of UK Core that are refused, and why a reader should agree. All others are
// accepted. The folder's README says that they are not all clean.
func ukCoreRefused() map[string]string {
	const notKept, urn = "UNSUPPORTED_RESOURCE_TYPE", "UNRESOLVED_REFERENCE"
	return map[string]string{
		// Types that DOMAIN section 9 neither keeps nor counts as supporting, refused by name.
		"AuditEvent-Query": notKept, "BodyStructure-MedianCubitalVein": notKept, "HealthcareService-OrthopaedicService": notKept,
		"List-EmptyList": notKept, "OperationOutcome-DateError": notKept, "Provenance-RARecordConsent": notKept,
		"Questionnaire-EOLPlan": notKept, "QuestionnaireResponse-FitnessForWork": notKept,
		"QuestionnaireResponse-InpatientSurvey": notKept, "RequestGroup-Paracetamol": notKept, "Schedule-Immunization": notKept,
		"Task-Colonoscopy": notKept,
		// Search sets, a batch and a collection are no transactions.
		"Bundle-AllergyList": "NOT_A_TRANSACTION", "Bundle-BatchPOST": "NOT_A_TRANSACTION",
		"Bundle-NEWS2Observations": "NOT_A_TRANSACTION", "Bundle-Sn-NoAllergyData": "NOT_A_TRANSACTION",
		// They point to urn:uuids of a bundle that they were taken out of.
		"Composition-Discharge": urn, "Observation-Lab-Albumin": urn,
		// The baby's number has a wrong check digit; the others have none.
		"Patient-BabyPatient": "INVALID_NHS_NUMBER", "Patient-Sn-Makaton": "NO_NHS_NUMBER", "Patient-Sn-Photo": "NO_NHS_NUMBER",
	}
}

// ukCore sends each example in a transaction of its own around its patient.
func (s *suite) ukCore(t *testing.T) {
	files := shared(t, filepath.Join("uk-core-examples", "*.json"))
	if files == nil {
		return
	}
	refused := ukCoreRefused()
	patient := ukCorePatient(t, files)
	s.numbers = append(s.numbers, numbersIn(t, files)...)
	sender := s.system(t, hospital)
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(f.name), "UKCore-"), "-Example.json")
		r := s.ask(t, sender, feed(t, ukCoreBundle(t, f, patient)))
		want, isRefused := refused[name]
		delete(refused, name)
		switch {
		case !isRefused && r.status != http.StatusOK:
			t.Errorf("%s is refused: %d %s %v %s", name, r.status, r.reason, r.fields, r.text)
		case isRefused && r.reason != want:
			t.Errorf("%s: %d %q, want %q", name, r.status, r.reason, want)
		}
	}
	for name := range refused {
		t.Errorf("%s is in the table and not in the folder", name)
	}
}

// ukCorePatient is Richard Smith, whom most examples are about.
func ukCorePatient(t *testing.T, files []sharedFile) json.RawMessage {
	t.Helper()
	for _, f := range files {
		if strings.Contains(f.name, "Patient-RichardSmith") {
			return f.body
		}
	}
	t.Fatal("the examples have no Richard Smith")
	return nil
}

// ukCoreBundle puts an example beside its patient; an example that is a patient or a bundle goes by itself.
func ukCoreBundle(t *testing.T, f sharedFile, patient json.RawMessage) []byte {
	t.Helper()
	// Not all of it is clean FHIR, but it is JSON: only the head is read here.
	var r struct {
		ResourceType string `json:"resourceType"`
		ID           string `json:"id"`
		Subject      struct {
			Reference string `json:"reference"`
		} `json:"subject"`
	}
	if err := json.Unmarshal(f.body, &r); err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	entry := func(kind, id string, body []byte) object {
		return object{
			"fullUrl": "https://uk-core.example/" + kind + "/" + id, "resource": json.RawMessage(body),
			"request": object{"method": "PUT", "url": kind + "/" + id},
		}
	}
	switch r.ResourceType {
	case "Bundle":
		return f.body
	case "Patient":
		return text(t, bundleOf(list{entry(r.ResourceType, r.ID, f.body)}))
	}
	about := entry("Patient", "UKCore-Patient-RichardSmith-Example", patient)
	if strings.HasPrefix(r.Subject.Reference, "urn:uuid:") {
		about["fullUrl"] = r.Subject.Reference
	}
	return text(t, bundleOf(list{about, entry(r.ResourceType, r.ID, f.body)}))
}

// numbersIn are the NHS numbers of the examples' people, for the search for leaks.
func numbersIn(t *testing.T, files []sharedFile) []string {
	t.Helper()
	var all []string
	for _, f := range files {
		var r sharedResource
		if !bytes.Contains(f.body, []byte(`"Patient"`)) || json.Unmarshal(f.body, &r) != nil {
			continue
		}
		for _, i := range r.Identifier {
			if i.System == nhsSystem && i.Value != "" {
				all = append(all, i.Value)
			}
		}
	}
	return all
}
