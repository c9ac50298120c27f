package blackbox_test

import (
	"bytes"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// restricted: of a person flagged sensitive only name, NHS number and birth date show until staff with a
// relationship break the restriction with a reason (DOMAIN section 6).
func (s *suite) restricted(t *testing.T) {
	p := s.newPerson(t)
	secrets := [][]byte{
		[]byte("9 Hideaway Lane"), []byte("DT1 9YZ"), []byte("DT19YZ"), []byte("01632 960555"), []byte("01632 960556"),
		[]byte("J81902"), []byte("Dorchester Test Surgery"), []byte("Kinsperson"),
	}
	s.sends(t, "J81902", puts(s.hidden(p)...))
	s.sends(t, ambulance, puts(s.hidden(p)[0], p.attendance("attendance-"+p.number), p.about("DocumentReference", "letter-"+p.number, object{
		"status": "current", "type": concept("371530004", "Clinical consultation report"),
		"description": "Lives at 9 Hideaway Lane, DT1 9YZ", "date": time.Now().UTC().Format(time.RFC3339),
		"content": list{object{"attachment": object{"contentType": "text/plain", "title": "To Dorchester Test Surgery"}}},
	})))
	who := s.hire(t, "R0260", ambulance, "")
	entries := s.entryIDs(t, who, p.number)
	t.Run("unbroken", func(t *testing.T) {
		for _, in := range everyView(p.number, entries) {
			for _, on := range s.surfaces(methodFor(t, in)) {
				s.hides(t, on, who, in, secrets)
			}
		}
		view := s.record(t, who, p.number)
		if !view.GetAccess().GetRestricted() || !slices.ContainsFunc(wordsOf(view), func(w string) bool { return bytes.HasPrefix([]byte(w), []byte("restricted|")) }) {
			t.Error("the view does not say that something is withheld")
		}
	})
	t.Run("filters tell nothing", func(t *testing.T) { s.filtersTellNothing(t, who, p) })
	t.Run("not found by what is hidden", func(t *testing.T) { s.notFoundByHidden(t, p) })
	t.Run("a stranger cannot break it", func(t *testing.T) {
		s.ask(t, s.hire(t, "R0260", "RBD", ""), breaks(p.number)).want(t, http.StatusForbidden, "NO_RELATIONSHIP")
	})
	t.Run("broken", func(t *testing.T) { s.broken(t, who, p, entries) })
	t.Run("the county's restricted", func(t *testing.T) { s.countyRestricted(t) })
}

// hidden is a restricted person's feed of a practice, with the hidden things in many places.
func (s *suite) hidden(p person) []object {
	patient := p.patient("J81902", object{
		"meta":    object{"security": list{object{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}}},
		"address": list{object{"line": list{"9 Hideaway Lane"}, "city": "Dorchester", "postalCode": "DT1 9YZ"}},
		"telecom": list{object{"system": "phone", "value": "01632 960555"}},
	})
	kin := p.about("RelatedPerson", "kin-"+p.number, object{
		"patient":      object{"reference": "Patient/patient-" + p.number},
		"relationship": list{object{"text": "sister"}},
		"name":         list{object{"family": "Kinsperson", "given": list{"Ada"}}},
		"telecom":      list{object{"system": "phone", "value": "01632 960556"}},
	})
	delete(kin, "subject")
	asthma := p.condition("asthma-"+p.number, "195967001", "Asthma", "2019-04-01")
	asthma["recorder"] = object{"display": "Dr Ida Ivy, Dorchester Test Surgery"}
	asthma["note"] = list{object{"text": "Seen at 9 Hideaway Lane, DT1 9YZ, call 01632 960555"}}
	return []object{patient, kin, asthma, p.allergy("nuts-"+p.number, "91935009", "Allergy to peanut")}
}

func breaks(number string) *gatewayv1.BreakRestrictionRequest {
	return &gatewayv1.BreakRestrictionRequest{
		RequestId: uuid.NewString(), NhsNumber: number, ReasonCode: "04", ReasonText: "A visit at home is needed today",
	}
}

// everyView are all calls that show something of a person.
func everyView(number string, entries []string) []proto.Message {
	all := []proto.Message{
		&gatewayv1.GetPatientRequest{NhsNumber: number}, &gatewayv1.GetRecordRequest{NhsNumber: number},
		&gatewayv1.ListEntriesRequest{NhsNumber: number}, &gatewayv1.ExplainAccessRequest{NhsNumber: number},
		&gatewayv1.SearchPatientsRequest{NhsNumber: number},
	}
	for _, id := range entries {
		all = append(all, &gatewayv1.GetEntryRequest{NhsNumber: number, Id: id})
	}
	return all
}

// entryIDs are the ids of all entries that a caller sees.
func (s *suite) entryIDs(t *testing.T, who member, number string) []string {
	t.Helper()
	var ids []string
	for _, section := range s.record(t, who, number).GetRecord().GetSections() {
		for _, e := range section.GetEntries() {
			ids = append(append(ids, e.GetId()), e.GetAlsoIds()...)
		}
	}
	if len(ids) < 4 {
		t.Fatalf("only %d entries are shown", len(ids))
	}
	return ids
}

// hides wants an answer in which nothing hidden stands anywhere. What is not found hides too.
func (s *suite) hides(t *testing.T, on surface, who member, in proto.Message, secrets [][]byte) {
	t.Helper()
	r := on.call(t, who.token, in)
	if r.status != http.StatusOK && r.reason != "ENTRY_NOT_FOUND" {
		t.Errorf("%T over %s: %d %s", in, on.name, r.status, r.reason)
	}
	body := r.raw
	if r.message != nil {
		body = append(bytes.Clone(body), r.message.(interface{ String() string }).String()...)
	}
	if len(body) == 0 && r.status == http.StatusOK {
		t.Errorf("%T over %s: nothing to search", in, on.name)
	}
	for _, secret := range secrets {
		if at := bytes.Index(bytes.ToLower(body), bytes.ToLower(secret)); at >= 0 {
			t.Errorf("%T over %s shows %q: …%s…", in, on.name, secret, body[max(0, at-80):min(len(body), at+60)])
		}
	}
}

// filtersTellNothing: asking for the entries of a practice must not tell that it is the person's.
func (s *suite) filtersTellNothing(t *testing.T, who member, p person) {
	counts := map[string]int{}
	for _, source := range []string{"J81902", "J81903"} {
		page := &gatewayv1.EntryPageView{}
		s.ask(t, who, &gatewayv1.ListEntriesRequest{NhsNumber: p.number, Source: source}).bodyInto(t, page)
		counts[source] = len(page.GetPage().GetEntries())
	}
	if counts["J81902"] != counts["J81903"] {
		t.Errorf("entries by practice: %v", counts)
	}
}

// notFoundByHidden: no search by postcode or GP finds the person; by names and birth date it does.
func (s *suite) notFoundByHidden(t *testing.T, p person) {
	for _, c := range []struct {
		postcode, gp string
		want         int
	}{{"", "", 1}, {"DT1 9YZ", "", 0}, {"", "J81902", 0}} {
		found := &gatewayv1.SearchPatientsResponse{}
		s.ask(t, s.officer, &gatewayv1.SearchPatientsRequest{
			FamilyName: p.family, GivenName: p.given, BirthDate: p.birth, Postcode: c.postcode, GpOdsCode: c.gp,
		}).into(t, found)
		if len(found.GetMatches()) != c.want {
			t.Errorf("searching with postcode %q and practice %q finds %d", c.postcode, c.gp, len(found.GetMatches()))
		}
	}
}

// broken: for this member alone, for 8 hours, and marked in the log.
func (s *suite) broken(t *testing.T, who member, p person, entries []string) {
	done := &gatewayv1.BreakRestrictionResponse{}
	s.ask(t, who, breaks(p.number)).into(t, done)
	if hours := time.Until(done.GetBrokenUntil().AsTime()).Hours(); hours < 7.9 || hours > 8 {
		t.Errorf("broken for %.2f hours", hours)
	}
	for gateway := range s.rest {
		r := s.askAt(t, gateway, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number})
		r.want(t, http.StatusOK, "")
		if !bytes.Contains(r.raw, []byte("9 Hideaway Lane")) || !bytes.Contains(r.raw, []byte("J81902")) {
			t.Error("the broken view does not show address or practice")
		}
		if e := s.event(t, r.eventID); !slices.Contains(e.GetMarks(), "restriction_broken") {
			t.Errorf("the event is marked %v", e.GetMarks())
		}
	}
	banner := &gatewayv1.GetPatientResponse{}
	s.ask(t, who, &gatewayv1.GetPatientRequest{NhsNumber: p.number}).into(t, banner)
	if banner.GetPostcode() != "DT1 9YZ" || banner.GetGp().GetOdsCode() != "J81902" || banner.GetRestrictionBrokenUntil() == nil {
		t.Errorf("the banner of a broken restriction: %v", banner)
	}
	other := s.hire(t, "R0260", ambulance, "")
	for _, in := range everyView(p.number, entries) {
		s.hides(t, s.overREST("rest", 1, 0), other, in, [][]byte{[]byte("9 Hideaway Lane"), []byte("J81902"), []byte("01632 960555")})
	}
	if r := s.ask(t, s.hire(t, "R1070", ambulance, ""), breaks(s.attended(t).number)); r.reason != "NOT_RESTRICTED" {
		t.Errorf("breaking what is not there: %d %s", r.status, r.reason)
	}
}

// countyRestricted searches the views of a restricted person with a whole life.
func (s *suite) countyRestricted(t *testing.T) {
	who := s.hire(t, "R0260", ambulance, "")
	for _, p := range s.county.Tagged(county.TagRestricted) {
		s.sends(t, ambulance, puts(s.asCounty(p).patient(p.PracticeODS, object{
			"meta": object{"security": list{object{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}}},
		}), s.asCounty(p).attendance("attendance-"+p.NHSNumber)))
		practice, _ := s.county.Organisation(p.PracticeODS)
		secrets := [][]byte{[]byte(p.Address.Line), []byte(p.Address.Postcode), []byte(p.Phone), []byte(p.PracticeODS), []byte(practice.Name)}
		for _, in := range everyView(p.NHSNumber, s.entryIDs(t, who, p.NHSNumber)) {
			s.hides(t, s.overREST("rest", 0, 0), who, in, secrets)
		}
	}
}

// asCounty is a person of the county, for feeds that a test sends about them.
func (s *suite) asCounty(p county.Person) person {
	return person{number: p.NHSNumber, family: p.FamilyName, given: p.GivenName, birth: p.BirthDate}
}
