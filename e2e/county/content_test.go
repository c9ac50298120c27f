package county_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// TestTheAwkwardIsThere: what makes a combined record hard is in the county.
func TestTheAwkwardIsThere(t *testing.T) {
	c := county.New(1, made())
	found := map[string]int{}
	for _, p := range c.People {
		conditions, allergies := map[string]string{}, map[string]string{}
		for _, b := range p.Bundles {
			for _, e := range decode(t, b).Entry {
				r := e.Resource
				code := fmt.Sprint(at(r, "code", "coding", 0, "code"))
				if at(r, "verificationStatus", "coding", 0, "code") == "entered-in-error" {
					found["entered in error"]++
					continue
				}
				switch r["resourceType"] {
				case "Condition":
					same := fmt.Sprint(code, r["onsetDateTime"])
					if by := conditions[same]; by != "" && by != b.ODSCode {
						found["duplicate"]++
					}
					conditions[same] = b.ODSCode
				case "AllergyIntolerance":
					if code == "716186003" || code == "409137002" {
						found["none known"]++
					}
					if before := allergies[code]; before != "" && before != fmt.Sprint(r["criticality"]) {
						found["conflict"]++
					}
					allergies[code] = fmt.Sprint(r["criticality"])
				case "Flag":
					if at(r, "category", 0, "text") == "Safeguarding" {
						found["safeguarding"]++
					}
				case "Encounter":
					if r["status"] == "in-progress" {
						found["in a bed now"]++
					}
				}
			}
		}
	}
	for _, name := range []string{"entered in error", "duplicate", "none known", "conflict", "safeguarding", "in a bed now"} {
		if found[name] < 3 {
			t.Errorf("%s: %d times", name, found[name])
		}
	}
}

func TestCareIsCurrent(t *testing.T) {
	c := county.New(1, made())
	open, today := map[string]int{}, 0
	for _, p := range c.People {
		for _, care := range p.Care {
			if care.Since.After(c.Made) || care.Ended.After(c.Made) {
				t.Errorf("%s: care %+v lies ahead", p.NHSNumber, care)
			}
			if care.Ended.IsZero() {
				open[string(care.Kind)+" "+care.ODSCode]++
			}
			if care.ODSCode == "RYF" && c.Made.Sub(care.Ended) < 24*time.Hour {
				today++
			}
		}
	}
	for _, want := range []string{
		"registration J81900", "registration J81907", "episode R0D", "episode RBD", "referral RDY", "caseload RDY",
		"caseload E06000058", "caseload E06000059",
	} {
		if open[want] == 0 {
			t.Errorf("no open %s", want)
		}
	}
	if today < 10 {
		t.Errorf("the ambulance came %d times today", today)
	}
}

// TestNothingHappensAfterDeathOrBeforeBirth looks at the dates that say when something was.
func TestNothingHappensAfterDeathOrBeforeBirth(t *testing.T) {
	c := county.New(1, made())
	for _, p := range c.People {
		last := c.Made
		if !p.Deceased.IsZero() {
			last = p.Deceased
		}
		for _, b := range p.Bundles {
			for _, e := range decode(t, b).Entry {
				for _, when := range []any{
					at(e.Resource, "period", "start"), at(e.Resource, "period", "end"), e.Resource["authoredOn"],
					e.Resource["effectiveDateTime"], e.Resource["onsetDateTime"], e.Resource["recordedDate"],
					e.Resource["occurrenceDateTime"], e.Resource["performedDateTime"], e.Resource["date"],
				} {
					text, ok := when.(string)
					if ok && (text > last.Format(time.RFC3339) || text < p.BirthDate) {
						t.Errorf("%s (%s to %s): %s of %s at %s", p.NHSNumber, p.BirthDate, last, e.Resource["resourceType"], b.ODSCode, text)
					}
				}
			}
		}
	}
}
