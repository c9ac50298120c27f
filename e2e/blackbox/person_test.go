package blackbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// object is a JSON object.
type object = map[string]any

// list is a JSON array.
type list = []any

// The organisations that the tests send as.
const (
	ambulance = "RYF"
	hospital  = "R0D"
	practice  = "J81900"
	council   = "E06000059"
)

const (
	nhsSystem = "https://fhir.nhs.uk/Id/nhs-number"
	odsSystem = "https://fhir.nhs.uk/Id/ods-organization-code"
	snomed    = "http://snomed.info/sct"
)

// person is somebody whom a test made up.
type person struct {
	number, family, given, birth string
}

// newPerson makes somebody up; nobody knows them before a feed is sent.
func (s *suite) newPerson(t *testing.T) person {
	t.Helper()
	p := person{number: s.newNumber(t), given: "Quince"}
	n := s.next()
	p.family = "Tryoutbury" + letters(n)
	p.birth = time.Date(1950+n%60, time.Month(1+n%12), 1+n%28, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[p.family] = p.birth
	return p
}

// letters writes a number in letters, since a name has no digits.
func letters(n int) string {
	text := ""
	for ; n > 0; n /= 26 {
		text += string(rune('a' + n%26))
	}
	return text
}

// newNumber is a valid NHS number that nobody has, in a part of the test range that is the tests' own.
func (s *suite) newNumber(t *testing.T) string {
	t.Helper()
	for {
		digits := fmt.Sprintf("9999%05d", s.next())
		sum := 0
		for i, d := range digits {
			sum += int(d-'0') * (10 - i)
		}
		if check := (11 - sum%11) % 11; check != 10 {
			number := fmt.Sprintf("%s%d", digits, check)
			s.mu.Lock()
			s.numbers = append(s.numbers, number)
			s.mu.Unlock()
			return number
		}
	}
}

// patient of a person registered with a practice; more overrides and adds elements.
func (p person) patient(practiceODS string, more object) object {
	r := object{
		"resourceType": "Patient", "id": "patient-" + p.number,
		"identifier":          list{object{"system": nhsSystem, "value": p.number}},
		"name":                list{object{"family": p.family, "given": list{p.given}}},
		"gender":              "female",
		"birthDate":           p.birth,
		"address":             list{object{"line": list{"7 Tryout Hill"}, "city": "Poole", "postalCode": "BH15 9ZX"}},
		"telecom":             list{object{"system": "phone", "value": "01632 960777"}},
		"generalPractitioner": list{object{"identifier": object{"system": odsSystem, "value": practiceODS}}},
	}
	for name, value := range more {
		r[name] = value
	}
	return r
}

// about is a resource of a person with an id.
func (p person) about(kind, id string, content object) object {
	r := object{"resourceType": kind, "id": id, "subject": object{"reference": "Patient/patient-" + p.number}}
	if kind == "AllergyIntolerance" || kind == "Immunization" {
		delete(r, "subject")
		r["patient"] = object{"reference": "Patient/patient-" + p.number}
	}
	for name, value := range content {
		r[name] = value
	}
	return r
}

// attendance is an encounter that gives its sender's staff a relationship: it goes on now.
func (p person) attendance(id string) object {
	return p.about("Encounter", id, object{
		"status": "in-progress", "class": object{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "FLD"},
		"period": object{"start": time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)},
	})
}

// condition that is active since a date.
func (p person) condition(id, code, display, since string) object {
	return p.about("Condition", id, object{
		"clinicalStatus":     coded("condition-clinical", "active"),
		"verificationStatus": coded("condition-ver-status", "confirmed"),
		"code":               concept(code, display), "onsetDateTime": since,
	})
}

// allergy that is active.
func (p person) allergy(id, code, display string) object {
	return p.about("AllergyIntolerance", id, object{
		"clinicalStatus":     coded("allergyintolerance-clinical", "active"),
		"verificationStatus": coded("allergyintolerance-verification", "confirmed"),
		"code":               concept(code, display), "recordedDate": "2020-02-03",
	})
}

func coded(system, code string) object {
	return object{"coding": list{object{"system": "http://terminology.hl7.org/CodeSystem/" + system, "code": code}}}
}

func concept(code, display string) object {
	return object{"coding": list{object{"system": snomed, "code": code, "display": display}}, "text": display}
}

// puts is a transaction bundle that puts resources, dated now.
func puts(resources ...object) object {
	entries := list{}
	for _, r := range resources {
		entries = append(entries, put(r))
	}
	return bundleOf(entries)
}

func put(r object) object {
	url := fmt.Sprintf("%s/%s", r["resourceType"], r["id"])
	return object{"fullUrl": "https://feed.example/" + url, "resource": r, "request": object{"method": "PUT", "url": url}}
}

func bundleOf(entries list) object {
	return object{
		"resourceType": "Bundle", "type": "transaction",
		"timestamp": time.Now().UTC().Format(time.RFC3339Nano), "entry": entries,
	}
}

func text(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// feed is a request that carries a bundle.
func feed(t *testing.T, bundle any) *gatewayv1.SubmitBundleRequest {
	t.Helper()
	data, ready := bundle.([]byte)
	if !ready {
		data = text(t, bundle)
	}
	return &gatewayv1.SubmitBundleRequest{Bundle: &httpbody.HttpBody{ContentType: "application/fhir+json", Data: data}}
}

// sends has an organisation's system send a bundle, which must be taken.
func (s *suite) sends(t *testing.T, ods string, bundle any) {
	t.Helper()
	s.ask(t, s.system(t, ods), feed(t, bundle)).want(t, http.StatusOK, "")
}

// attended makes somebody up whom the ambulance attends now, so that its staff have a relationship.
func (s *suite) attended(t *testing.T) person {
	t.Helper()
	p := s.newPerson(t)
	s.sends(t, ambulance, puts(p.patient(practice, nil), p.attendance("attendance-"+p.number)))
	return p
}

// tagged finds a person of the county who has exactly these tags.
func (s *suite) tagged(t *testing.T, tags ...string) county.Person {
	t.Helper()
	for _, p := range s.county.People {
		if fmt.Sprint(p.Tags) == fmt.Sprint(tags) {
			return p
		}
	}
	t.Fatalf("nobody in the county is %v", tags)
	return county.Person{}
}

// known tells whether anybody is known under a number: any staff may learn that.
func (s *suite) known(t *testing.T, number string) bool {
	t.Helper()
	found := &gatewayv1.SearchPatientsResponse{}
	s.ask(t, s.officer, &gatewayv1.SearchPatientsRequest{NhsNumber: number}).into(t, found)
	return len(found.GetMatches()) == 1
}
