package county_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

func TestBundlesAreTransactionsWhoseReferencesResolve(t *testing.T) {
	c := county.New(1, made())
	forms := map[string]int{}
	for _, p := range c.People {
		for _, b := range p.Bundles {
			feed := decode(t, b)
			if feed.ResourceType != "Bundle" || feed.Type != "transaction" || feed.Timestamp == "" {
				t.Fatalf("%s from %s is a %s %s", p.NHSNumber, b.ODSCode, feed.Type, feed.ResourceType)
			}
			targets, patients := map[string]bool{}, 0
			for _, e := range feed.Entry {
				kind := e.Resource["resourceType"].(string)
				target := e.FullURL
				if e.Request.Method == http.MethodPut {
					target = e.Request.URL
					if target != fmt.Sprintf("%s/%s", kind, e.Resource["id"]) {
						t.Fatalf("PUT %s of %s %s", target, kind, e.Resource["id"])
					}
				} else if e.Request.URL != kind || e.Resource["identifier"] == nil {
					t.Fatalf("POST %s of %s, identifier %v", e.Request.URL, kind, e.Resource["identifier"])
				}
				if targets[target] {
					t.Fatalf("%s is there twice", target)
				}
				targets[target] = true
				forms[e.Request.Method]++
				if kind == "Patient" {
					patients++
					checkPatient(t, c, p, e.Resource)
				}
				checkChanged(t, c, e.Resource)
			}
			if patients != 1 || b.Entries != len(feed.Entry) {
				t.Errorf("%s from %s has %d patients", p.NHSNumber, b.ODSCode, patients)
			}
			for _, e := range feed.Entry {
				for _, to := range references(e.Resource) {
					if !targets[to] {
						t.Errorf("%s from %s: %s leads nowhere", p.NHSNumber, b.ODSCode, to)
					}
				}
			}
		}
	}
	if forms["PUT"] == 0 || forms["POST"] == 0 {
		t.Errorf("forms: %v", forms)
	}
}

func checkPatient(t *testing.T, c *county.County, p county.Person, r map[string]any) {
	t.Helper()
	if number := at(r, "identifier", 0, "value"); number != p.NHSNumber {
		t.Errorf("patient %v in the feed of %s", number, p.NHSNumber)
	}
	if r["birthDate"] != p.BirthDate || at(r, "name", 0, "family") != p.FamilyName {
		t.Errorf("%s is said to be another", p.NHSNumber)
	}
	practice := at(r, "generalPractitioner", 0, "identifier", "value")
	if _, known := c.Organisation(fmt.Sprint(practice)); !known || practice != p.PracticeODS {
		t.Errorf("%s is registered with %v", p.NHSNumber, practice)
	}
	if restricted := at(r, "meta", "security", 0, "code") == "R"; restricted != p.Has(county.TagRestricted) {
		t.Errorf("%s: restricted %v, tags %v", p.NHSNumber, restricted, p.Tags)
	}
	if dead := r["deceasedDateTime"] != nil; dead != p.Has(county.TagDeceased) {
		t.Errorf("%s: deceased %v, tags %v", p.NHSNumber, dead, p.Tags)
	}
}

func checkChanged(t *testing.T, c *county.County, r map[string]any) {
	t.Helper()
	changed, err := time.Parse(time.RFC3339, fmt.Sprint(at(r, "meta", "lastUpdated")))
	if err != nil || changed.After(c.Made) {
		t.Errorf("%s changed %v", r["resourceType"], changed)
	}
}

// references collects every literal reference in a resource.
func references(value any) []string {
	var found []string
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if to, ok := inner.(string); ok && name == "reference" {
				found = append(found, to)
				continue
			}
			found = append(found, references(inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, references(inner)...)
		}
	}
	return found
}

// at walks into decoded JSON by names and indexes; nil where there is nothing.
func at(value any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[s]
		case int:
			array, _ := value.([]any)
			if s >= len(array) {
				return nil
			}
			value = array[s]
		}
	}
	return value
}

// sectionOf is DOMAIN.md section 9 in the test's own words.
func sectionOf(kind county.Kind, r map[string]any) string {
	resourceType := r["resourceType"].(string)
	if kind == county.LocalAuthority {
		switch resourceType {
		case "CarePlan", "Goal", "CareTeam", "ServiceRequest":
			return "social care"
		}
	}
	for section, types := range map[string]string{
		"demographics": "Patient RelatedPerson",
		"allergies":    "AllergyIntolerance",
		"medication":   "MedicationRequest MedicationStatement MedicationDispense MedicationAdministration",
		"history":      "Condition Procedure Encounter Immunization FamilyMemberHistory",
		"care plans":   "CarePlan Goal CareTeam",
		"results":      "Observation DiagnosticReport ImagingStudy DocumentReference Composition ServiceRequest",
		"supporting":   "Practitioner Organization",
	} {
		for _, one := range strings.Fields(types) {
			if one == resourceType {
				return section
			}
		}
	}
	if resourceType == "Flag" && at(r, "category", 0, "text") == "Safeguarding" {
		return "safeguarding"
	}
	if resourceType == "Flag" {
		return "care plans"
	}
	return "none: " + resourceType
}

// TestSupportingResourcesAreOneThing: a sender's organisation and staff look the same in all of its feeds.
func TestSupportingResourcesAreOneThing(t *testing.T) {
	seen := map[string]string{}
	for _, p := range county.New(1, made()).People {
		for _, b := range p.Bundles {
			for _, e := range decode(t, b).Entry {
				if kind := e.Resource["resourceType"]; kind != "Organization" && kind != "Practitioner" {
					continue
				}
				text := fmt.Sprint(e.Resource)
				if before := seen[b.ODSCode+e.FullURL]; before != "" && before != text {
					t.Fatalf("%s says of one thing\n%s\nand\n%s", b.ODSCode, before, text)
				}
				seen[b.ODSCode+e.FullURL] = text
			}
		}
	}
	if len(seen) > 80 {
		t.Errorf("%d different ones", len(seen))
	}
}

func TestEverySectionIsFilledBySeveral(t *testing.T) {
	c := county.New(1, made())
	senders, types := map[string]map[string]bool{}, map[string]bool{}
	for _, p := range c.People {
		own := map[string]bool{}
		for _, b := range p.Bundles {
			org, _ := c.Organisation(b.ODSCode)
			if org.State != county.Participating || org.Kind == county.Commissioner {
				t.Errorf("%s sends", b.ODSCode)
			}
			for _, e := range decode(t, b).Entry {
				section := sectionOf(org.Kind, e.Resource)
				own[section], types[e.Resource["resourceType"].(string)] = true, true
				if senders[section] == nil {
					senders[section] = map[string]bool{}
				}
				senders[section][b.ODSCode] = true
			}
		}
		if p.Has(county.TagRich) && (len(own) != 9 || len(p.Bundles) < 5) {
			t.Errorf("%s is rich with %d bundles and sections %v", p.NHSNumber, len(p.Bundles), own)
		}
	}
	for section, by := range senders {
		if len(by) < 2 || strings.HasPrefix(section, "none") {
			t.Errorf("section %q comes from %v", section, by)
		}
	}
	if len(senders) != 9 {
		t.Errorf("sections: %v", senders)
	}
	for _, one := range strings.Fields("RelatedPerson MedicationRequest MedicationStatement MedicationDispense " +
		"MedicationAdministration Condition Procedure Encounter Immunization FamilyMemberHistory CarePlan Goal CareTeam Flag " +
		"Observation DiagnosticReport ImagingStudy DocumentReference Composition ServiceRequest") {
		if !types[one] {
			t.Errorf("no %s anywhere", one)
		}
	}
}
