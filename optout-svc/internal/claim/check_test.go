package claim_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
)

const today = claim.Date("2026-11-22")

func rules(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheckTakesOverWhatIsSaid(t *testing.T) {
	t.Parallel()
	got, problems := claim.Check(claim.Raw{
		NHSNumber: "999 000 0018", FamilyName: " O'Brien ", GivenName: "Ann  Mary", BirthDate: "2014-02-28", Postcode: "dt11xj",
		Requester: "parent", RequesterName: "Jo O'Brien", RequesterBirthDate: "1980-01-01",
	}, rules(t), today)
	want := claim.Claim{
		NHSNumber: "9990000018", FamilyName: "O'Brien", GivenName: "Ann Mary", BirthDate: "2014-02-28", Postcode: "DT1 1XJ",
		Requester: "parent", RequesterName: "Jo O'Brien", RequesterBirthDate: "1980-01-01",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
		t.Errorf("%v\n%s", problems, diff)
	}
}

// adultRaw is a claim with nothing wrong, to be spoilt.
func adultRaw() claim.Raw {
	return claim.Raw{FamilyName: "Anning", BirthDate: "1980-05-21", Requester: "self"}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	child := func(change func(*claim.Raw)) func(*claim.Raw) {
		return func(r *claim.Raw) {
			r.BirthDate, r.Requester, r.RequesterName, r.RequesterBirthDate = "2016-06-01", "parent", "Jo Anning", "1985-01-01"
			change(r)
		}
	}
	none := func(*claim.Raw) {}
	for name, c := range map[string]struct {
		spoil func(*claim.Raw)
		want  map[string]claim.Reason
	}{
		"nothing":                  {none, nil},
		"no name":                  {func(r *claim.Raw) { r.FamilyName = "" }, map[string]claim.Reason{"family_name": claim.ReasonName}},
		"turned given name":        {func(r *claim.Raw) { r.GivenName = "Ann\u202e" }, map[string]claim.Reason{"given_name": claim.ReasonName}},
		"no birth date":            {func(r *claim.Raw) { r.BirthDate = "" }, map[string]claim.Reason{"birth_date": claim.ReasonDate}},
		"30 February":              {func(r *claim.Raw) { r.BirthDate = "1980-02-30" }, map[string]claim.Reason{"birth_date": claim.ReasonDate}},
		"another form of date":     {func(r *claim.Raw) { r.BirthDate = "21/05/1980" }, map[string]claim.Reason{"birth_date": claim.ReasonDate}},
		"one digit for a month":    {func(r *claim.Raw) { r.BirthDate = "1980-5-21" }, map[string]claim.Reason{"birth_date": claim.ReasonDate}},
		"a time besides":           {func(r *claim.Raw) { r.BirthDate = "1980-05-21T00:00:00Z" }, map[string]claim.Reason{"birth_date": claim.ReasonDate}},
		"year nought":              {func(r *claim.Raw) { r.BirthDate = "0000-05-21" }, map[string]claim.Reason{"birth_date": claim.ReasonDate}},
		"born tomorrow":            {func(r *claim.Raw) { r.BirthDate = "2026-11-23" }, map[string]claim.Reason{"birth_date": claim.ReasonFuture}},
		"born in 1880":             {func(r *claim.Raw) { r.BirthDate = "1880-01-01" }, map[string]claim.Reason{"birth_date": claim.ReasonDate}},
		"no postcode":              {func(r *claim.Raw) { r.Postcode = "Dorchester" }, map[string]claim.Reason{"postcode": claim.ReasonPostcode}},
		"check digit":              {func(r *claim.Raw) { r.NHSNumber = "9990000019" }, map[string]claim.Reason{"nhs_number": claim.ReasonNumber}},
		"several":                  {func(r *claim.Raw) { r.FamilyName, r.Postcode = "\x00", "?" }, map[string]claim.Reason{"family_name": claim.ReasonName, "postcode": claim.ReasonPostcode}},
		"self with another's name": {func(r *claim.Raw) { r.RequesterName = "Jo" }, map[string]claim.Reason{"requester_name": claim.ReasonName}},
		"GP":                       {func(r *claim.Raw) { r.Requester, r.RequesterName, r.RequesterBirthDate = "gp", "Dr Jo", "1970-01-01" }, map[string]claim.Reason{"requester": claim.ReasonMayNotAsk}},
		"neighbour": {func(r *claim.Raw) {
			r.Requester, r.RequesterName, r.RequesterBirthDate = "neighbour", "Jo", "1970-01-01"
		}, map[string]claim.Reason{"requester": claim.ReasonMayNotAsk}},
		"self, born today":       {func(r *claim.Raw) { r.BirthDate = string(today) }, map[string]claim.Reason{"requester": claim.ReasonMayNotAsk}},
		"parent":                 {child(none), nil},
		"parent of a newborn":    {child(func(r *claim.Raw) { r.BirthDate = string(today) }), nil},
		"parent of an adult":     {child(func(r *claim.Raw) { r.BirthDate, r.RequesterBirthDate = "2008-11-22", "1970-01-01" }), map[string]claim.Reason{"requester": claim.ReasonMayNotAsk}},
		"parent on the last day": {child(func(r *claim.Raw) { r.BirthDate, r.RequesterBirthDate = "2008-11-23", "1970-01-01" }), nil},
		"younger than the child": {child(func(r *claim.Raw) { r.RequesterBirthDate = "2018-01-01" }), map[string]claim.Reason{"requester_birth_date": claim.ReasonYounger}},
		"as old as the child":    {child(func(r *claim.Raw) { r.RequesterBirthDate = r.BirthDate }), map[string]claim.Reason{"requester_birth_date": claim.ReasonYounger}},
		"parent without a name":  {child(func(r *claim.Raw) { r.RequesterName = "" }), map[string]claim.Reason{"requester_name": claim.ReasonName}},
		"parent without a date":  {child(func(r *claim.Raw) { r.RequesterBirthDate = "" }), map[string]claim.Reason{"requester_birth_date": claim.ReasonDate}},
		"attorney of a child":    {child(func(r *claim.Raw) { r.Requester = "attorney" }), map[string]claim.Reason{"requester": claim.ReasonMayNotAsk}},
		"attorney": {func(r *claim.Raw) {
			r.Requester, r.RequesterName, r.RequesterBirthDate = "attorney", "Jo", "2001-01-01"
		}, nil},
		"attorney of 17": {func(r *claim.Raw) {
			r.Requester, r.RequesterName, r.RequesterBirthDate = "attorney", "Jo", "2009-01-01"
		}, map[string]claim.Reason{"requester_birth_date": claim.ReasonYounger}},
	} {
		raw := adultRaw()
		c.spoil(&raw)
		_, problems := claim.Check(raw, rules(t), today)
		got := map[string]claim.Reason{}
		for _, p := range problems {
			got[p.Field] = p.Reason
			if p.Text == "" {
				t.Errorf("%s: %s says nothing", name, p.Field)
			}
		}
		if len(got) == 0 {
			got = nil
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if (claim.Join(problems) == nil) != (len(problems) == 0) {
			t.Errorf("%s: joined %v", name, claim.Join(problems))
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		born, on claim.Date
		want     int
	}{
		{"2000-05-21", "2026-05-20", 25}, {"2000-05-21", "2026-05-21", 26}, {"2004-02-29", "2026-02-28", 21}, {"2004-02-29", "2026-03-01", 22},
		{"2026-11-22", "2026-11-22", 0}, {"2026-11-23", "2026-11-22", -1}, {"", "2026-11-22", -1}, {"2000-01-01", "soon", -1},
	} {
		if got := c.born.Age(c.on); got != c.want {
			t.Errorf("born %s, on %s: %d, want %d", c.born, c.on, got, c.want)
		}
	}
	london := rules(t).Zone()
	if got := claim.Today(time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC), london); got != "2026-07-01" {
		t.Errorf("today in London is %s", got)
	}
}

func TestPostcode(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"DT1 1XJ": "DT1 1XJ", "dt11xj": "DT1 1XJ", " bh-15 2jb ": "BH15 2JB", "SW1A 1AA": "SW1A 1AA", "M1 1AE": "M1 1AE", "ZZ99 3CZ": "ZZ99 3CZ", "JE2 3NW": "JE2 3NW",
	} {
		if got, err := claim.Postcode(raw); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", "DT1", "1XJ", "DT1 1X", "DT1 1XJJ", "D11 11X", "ＤＴ１ １ＸＪ", "DT1\u200b 1XJ", "DT1 1XJ DT1 1XJ", "DT1\n1XJ"} {
		if got, err := claim.Postcode(raw); err == nil {
			t.Errorf("%q is accepted as %q", raw, got)
		}
	}
}
