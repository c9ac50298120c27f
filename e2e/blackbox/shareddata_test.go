package blackbox_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// sharedFile is one file of the shared data.
type sharedFile struct {
	name string
	body []byte
}

// shared reads the files of a folder of the shared data: of DCR_SHARED_DATA, else of shared/data beside the
// repository. Where there is none the part says so loudly and passes, unless DCR_REQUIRE_SHARED=1.
func shared(t *testing.T, pattern string) []sharedFile {
	t.Helper()
	dir := os.Getenv("DCR_SHARED_DATA")
	if dir == "" {
		root, err := stack.Root()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(root, "..", "shared", "data")
	}
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		const text = "THE SHARED DATA ARE NOT HERE (%s): nothing of this part was tested. Set DCR_SHARED_DATA to the folder.\n"
		fmt.Fprintf(os.Stderr, text, filepath.Join(dir, pattern))
		if os.Getenv("DCR_REQUIRE_SHARED") == "1" {
			t.Fatalf(text, filepath.Join(dir, pattern))
		}
		return nil
	}
	var files []sharedFile
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, sharedFile{strings.TrimPrefix(name, dir+string(filepath.Separator)), body})
	}
	return files
}

// sharedBundle is what the tests themselves read of a bundle.
type sharedBundle struct {
	Entry []struct {
		Resource json.RawMessage `json:"resource"`
	} `json:"entry"`
}

// sharedResource is what the tests themselves read of a resource.
type sharedResource struct {
	ResourceType       string         `json:"resourceType"`
	ID                 string         `json:"id"`
	Status             any            `json:"status"`
	VerificationStatus map[string]any `json:"verificationStatus"`
	Identifier         []struct {
		System string `json:"system"`
		Value  string `json:"value"`
	} `json:"identifier"`
}

func (r sharedResource) enteredInError() bool {
	return r.Status == "entered-in-error" || strings.Contains(fmt.Sprint(r.VerificationStatus), "entered-in-error")
}

// homes are the types of each section, as DOMAIN section 9 lists them.
func homes() map[string][]string {
	return map[string][]string{
		"demographics": {"Patient", "RelatedPerson"},
		"allergies":    {"AllergyIntolerance"},
		"medication":   {"MedicationRequest", "MedicationStatement", "MedicationDispense", "MedicationAdministration"},
		"history":      {"Condition", "Procedure", "Encounter", "Immunization", "FamilyMemberHistory"},
		"care_plans":   {"CarePlan", "Goal", "CareTeam"},
		"results":      {"Observation", "DiagnosticReport", "ImagingStudy", "DocumentReference", "Composition", "ServiceRequest"},
	}
}

// sectionOf a type from an organisation: a council's plans, teams and services are social care. Flags are in
// none of the shared feeds.
func sectionOf(kind, ods string) string {
	if strings.HasPrefix(ods, "E06") && slices.Contains([]string{"CarePlan", "Goal", "CareTeam", "ServiceRequest"}, kind) {
		return "social_care"
	}
	for section, kinds := range homes() {
		if slices.Contains(kinds, kind) {
			return section
		}
	}
	return ""
}

// neverSharedCodes are the codes that the project ships as never shared, as data. Classifications, whose
// categories stand for all that is below them, are in none of the shared feeds.
func neverSharedCodes(t *testing.T) map[string]bool {
	t.Helper()
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join(root, "record-svc", "internal", "nevershared", "codes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Categories []struct {
			Codes []struct{ System, Code string } `json:"codes"`
		} `json:"categories"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	codes := map[string]bool{}
	for _, category := range set.Categories {
		for _, c := range category.Codes {
			codes[c.System+"|"+c.Code] = true
		}
	}
	return codes
}

// carries tells whether any coding in a value, at any depth, is one of codes.
func carries(value any, codes map[string]bool) bool {
	switch v := value.(type) {
	case map[string]any:
		if codes[fmt.Sprintf("%v|%v", v["system"], v["code"])] {
			return true
		}
		for _, inner := range v {
			if carries(inner, codes) {
				return true
			}
		}
	case []any:
		for _, inner := range v {
			if carries(inner, codes) {
				return true
			}
		}
	}
	return false
}
