package blackbox_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// Limits of issue 2, section 3.
const (
	mostEntries = 5000
	mostBytes   = 16 << 20
)

// badBundle is a bundle that is refused, with how.
type badBundle struct {
	name   string
	body   []byte
	kind   string // content type, when it is not FHIR's
	status int
	reason string
	field  string
}

// badBundles: each is refused with its status, reason and field, and nothing of it is stored.
func (s *suite) badBundles(t *testing.T) {
	sender := s.system(t, ambulance)
	p := s.newPerson(t)
	for _, b := range append(s.unsound(t, p), s.unruly(t, p)...) {
		t.Run(b.name, func(t *testing.T) {
			s.refusesBundle(t, sender, b)
			if s.known(t, p.number) {
				t.Fatal("something of it was stored")
			}
		})
	}
	t.Run("sizes that are taken", func(t *testing.T) { s.sizes(t) })
	t.Run("names are shown as they are", s.strangeNames)
}

func (s *suite) refusesBundle(t *testing.T, sender member, b badBundle) {
	t.Helper()
	kind := b.kind
	if kind == "" {
		kind = "application/fhir+json"
	}
	r := s.raw(t, http.MethodPost, "/fhir/R4", sender.token, map[string]string{"Content-Type": kind}, b.body)
	if b.field == "" {
		r.want(t, b.status, b.reason)
	} else {
		r.want(t, b.status, b.reason, b.field)
	}
	if got := r.header.Get("Content-Type"); got != "application/fhir+json" || !bytes.Contains(r.raw, []byte(`"OperationOutcome"`)) {
		t.Errorf("answered as %s: %.120s", got, r.raw)
	}
	if b.kind != "" || len(b.body) > mostBytes {
		return // refused before there is a call to make over gRPC
	}
	s.overGRPC(1).call(t, sender.token, feed(t, b.body)).want(t, b.status, b.reason)
}

// unsound are no FHIR transactions.
func (s *suite) unsound(t *testing.T, p person) []badBundle {
	good := text(t, puts(p.patient(practice, nil)))
	deep := strings.Replace(string(good), `"gender":"female"`, `"gender":"female","extension":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000), 1)
	large := bytes.Replace(good, []byte(`"gender"`), append([]byte(`"text":"`+strings.Repeat("x", mostBytes)+`",`), `"gender"`...), 1)
	batch := bytes.Replace(good, []byte(`"transaction"`), []byte(`"batch"`), 1)
	wrongDate := p.patient(practice, object{"birthDate": "1981-02-30"})
	several := puts(p.patient(practice, nil))
	for range mostEntries {
		several["entry"] = append(several["entry"].(list), put(p.condition(fmt.Sprintf("c%d", s.next()), "195967001", "Asthma", "2020-01-02")))
	}
	return []badBundle{
		{"not JSON", []byte("MSH|^~\\&|ADT"), "", 400, "NOT_JSON", ""},
		{"empty body", nil, "", 400, "JSON_TRUNCATED", ""},
		{"truncated", good[:len(good)/2], "", 400, "JSON_TRUNCATED", ""},
		{"another content type", good, "text/plain", 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"FHIR as XML", good, "application/fhir+xml", 415, "UNSUPPORTED_CONTENT_TYPE", ""},
		{"over 16 MiB", large, "", 413, "BODY_TOO_LARGE", ""},
		{"10,000 deep", []byte(deep), "", 400, "JSON_TOO_DEEP", ""},
		{"no Bundle", text(t, p.patient(practice, nil)), "", 400, "NOT_A_BUNDLE", ""},
		{"a batch", batch, "", 400, "NOT_A_TRANSACTION", "Bundle.type"},
		{"no entries", text(t, bundleOf(list{})), "", 400, "BUNDLE_EMPTY", "Bundle.entry"},
		{"5,001 entries", text(t, several), "", 413, "TOO_MANY_ENTRIES", "Bundle.entry"},
		{"a date that is no date", text(t, puts(wrongDate)), "", 400, "INVALID_DATE", "Bundle.entry[0].resource.birthDate"},
	}
}

// unruly are transactions that break a rule of FHIR's or of the record's.
func (s *suite) unruly(t *testing.T, p person) []badBundle {
	patient := put(p.patient(practice, nil))
	second := s.newPerson(t)
	wrongNumber, equalDigits := p, p
	wrongNumber.number, equalDigits.number = wrongDigit, equalDigit
	numberless := p.patient(practice, object{"identifier": list{}})
	twin := put(p.condition("twin-"+p.number, "195967001", "Asthma", "2020-01-02"))
	sameURL := put(p.condition("other-"+p.number, "195967001", "Asthma", "2020-01-02"))
	sameURL["fullUrl"] = twin["fullUrl"]
	mistyped := put(p.condition("c-"+p.number, "195967001", "Asthma", "2020-01-02"))
	mistyped["request"] = object{"method": "PUT", "url": "Observation/c-" + p.number}
	dangling := p.condition("d-"+p.number, "195967001", "Asthma", "2020-01-02")
	dangling["encounter"] = object{"reference": "urn:uuid:5e0d1a34-0000-4000-8000-000000000001"}
	method := func(verb string) object {
		e := put(p.condition("m-"+p.number, "195967001", "Asthma", "2020-01-02"))
		e["request"] = object{"method": verb, "url": "Condition/m-" + p.number}
		return e
	}
	conditional := method("PUT")
	conditional["request"] = object{"method": "PUT", "url": "Condition?code=1"}
	with := func(entries ...any) []byte { return text(t, bundleOf(append(list{patient}, entries...))) }
	return []badBundle{
		{"duplicate fullUrls", with(twin, sameURL), "", 400, "DUPLICATE_FULL_URL", "Bundle.entry[2].fullUrl"},
		{"an unmatched urn:uuid", with(put(dangling)), "", 400, "UNRESOLVED_REFERENCE", "Bundle.entry[1].resource.encounter.reference"},
		{"wrong resourceType", with(mistyped), "", 400, "WRONG_RESOURCE_TYPE", "Bundle.entry[1].resource.resourceType"},
		{"a claim", with(put(p.about("Claim", "claim-"+p.number, object{"status": "active"}))), "", 422, "UNSUPPORTED_RESOURCE_TYPE", "Bundle.entry[1]"},
		{"GET", with(method("GET")), "", 400, "METHOD_NOT_SUPPORTED", "Bundle.entry[1].request.method"},
		{"PATCH", with(method("PATCH")), "", 400, "METHOD_NOT_SUPPORTED", "Bundle.entry[1].request.method"},
		{"a conditional update", with(conditional), "", 400, "CONDITIONAL_UPDATE_NOT_SUPPORTED", "Bundle.entry[1].request.url"},
		{"an invalid NHS number", text(t, puts(wrongNumber.patient(practice, nil))), "", 422, "INVALID_NHS_NUMBER", "Bundle.entry[0].resource.identifier[0].value"},
		{"ten equal digits", text(t, puts(equalDigits.patient(practice, nil))), "", 422, "INVALID_NHS_NUMBER", "Bundle.entry[0].resource.identifier[0].value"},
		{"no NHS number", text(t, puts(numberless)), "", 422, "NO_NHS_NUMBER", "Bundle.entry[0].resource.identifier"},
		{"two patients", with(put(second.patient(practice, nil))), "", 422, "TWO_PATIENTS", "Bundle.entry[1].resource"},
		{"a subject who is another", with(put(second.condition("s-"+p.number, "195967001", "Asthma", "2020-01-02"))), "", 422, "SUBJECT_UNKNOWN", ""},
	}
}

// sizes: bundles of one entry and of 5,000 are taken.
func (s *suite) sizes(t *testing.T) {
	one, many := s.newPerson(t), s.newPerson(t)
	s.sends(t, ambulance, puts(one.patient(practice, nil)))
	resources := []object{many.patient(practice, nil), many.attendance("attendance-" + many.number)}
	for i := range mostEntries - len(resources) {
		resources = append(resources, many.condition(fmt.Sprintf("c%d-%s", i, many.number), fmt.Sprint(100000+i), fmt.Sprint("Condition ", i), "2020-01-02"))
	}
	s.sends(t, ambulance, puts(resources...))
	if !s.known(t, one.number) || !s.known(t, many.number) {
		t.Error("nobody is known")
	}
	view := s.record(t, s.hire(t, "R0260", ambulance, ""), many.number)
	for _, section := range view.GetRecord().GetSections() {
		if section.GetSection() == "history" && len(section.GetEntries()) != mostEntries-1 {
			t.Errorf("%d entries of the history are shown, %d were sent", len(section.GetEntries()), mostEntries-1)
		}
	}
}

// strangeNames: SQL and HTML in names are text like any other.
func (s *suite) strangeNames(t *testing.T) {
	for _, name := range []string{
		`O'Tryout'); DROP TABLE record.entry; --`, `<script>alert("tryout")</script>`, "Tryout\u202egnp", `Try%out_"\`, "Tryóut\u0301",
	} {
		p := s.newPerson(t)
		p.family = name
		s.sends(t, ambulance, puts(p.patient(practice, nil), p.attendance("attendance-"+p.number)))
		found := &gatewayv1.SearchPatientsResponse{}
		s.ask(t, s.officer, &gatewayv1.SearchPatientsRequest{NhsNumber: p.number}).into(t, found)
		if len(found.GetMatches()) != 1 || found.GetMatches()[0].GetFamilyName() != name {
			t.Errorf("%q is shown as %v", name, found.GetMatches())
		}
		s.record(t, s.hire(t, "R1070", ambulance, ""), p.number)
	}
}
