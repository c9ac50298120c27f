package county_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// made is the day on which the tests make their county.
func made() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

func TestSameSeedAndDayGiveTheSameBytes(t *testing.T) {
	one, two := county.New(1, made()), county.New(1, made())
	if !reflect.DeepEqual(one, two) {
		t.Fatal("two counties of the same seed and day differ")
	}
	other := county.New(2, made())
	if one.People[0].NHSNumber == other.People[0].NHSNumber || bytes.Equal(one.People[0].Bundles[0].JSON, other.People[0].Bundles[0].JSON) {
		t.Error("another seed gives the same county")
	}
}

func TestALaterDayKeepsPeopleAndResourceIDs(t *testing.T) {
	today, later := county.New(1, made()), county.New(1, made().AddDate(0, 0, 3))
	for i := range today.People {
		a, b := decode(t, today.People[i].Bundles[0]), decode(t, later.People[i].Bundles[0])
		if today.People[i].NHSNumber != later.People[i].NHSNumber || a.Entry[0].FullURL != b.Entry[0].FullURL {
			t.Fatalf("person %d is another", i)
		}
	}
}

func TestOrganisationsOfTheDomain(t *testing.T) {
	c := county.New(1, made())
	state := map[string]county.State{}
	kinds := map[county.Kind]int{}
	for _, o := range c.Organisations {
		if _, twice := state[o.ODSCode]; twice || o.Name == "" {
			t.Errorf("%s: twice or without a name", o.ODSCode)
		}
		state[o.ODSCode] = o.State
		kinds[o.Kind]++
	}
	want := map[county.State]string{
		county.Participating: "R0D RBD RDY RYF E06000059 E06000058 QVV J81900 J81901 J81902 J81903 J81904",
		county.Prospective:   "RH5 RNZ RH8 RHM",
		county.OutOfArea:     "J82900 J83900 L85900",
	}
	for s, codes := range want {
		for _, code := range strings.Fields(codes) {
			if state[code] != s {
				t.Errorf("%s is %q, want %q", code, state[code], s)
			}
		}
	}
	if len(kinds) != 6 {
		t.Errorf("kinds: %v", kinds)
	}
}

func TestStaffHoldEveryRole(t *testing.T) {
	c := county.New(1, made())
	have, subjects, own := map[string]int{}, map[string]bool{}, 0
	for _, s := range c.Staff {
		have[s.Role.Code]++
		if _, ok := c.Organisation(s.ODSCode); !ok || subjects[s.Subject] || len(s.Subject) != 12 || s.Name() == "" {
			t.Errorf("staff %+v", s)
		}
		subjects[s.Subject] = true
		if s.NHSNumber != "" {
			own++
			p := find(c, s.NHSNumber)
			if p.FamilyName != s.FamilyName || p.GivenName != s.GivenName || p.PracticeODS != s.ODSCode {
				t.Errorf("%s is said to be patient %s", s.Name(), p.NHSNumber)
			}
		}
	}
	if own != 1 {
		t.Errorf("%d staff have an NHS number of their own", own)
	}
	// DOMAIN.md section 3, and the administrator.
	for _, code := range strings.Fields("R0260 R0270 R6300 R0050 R0014 R1070 R1110 R0950 R9550 R1330 R9520 R9570 R9590 " +
		"R1975 R1981 R1310 R1340 R9535 R8001 R0001 R5105 R5100 DCR-ADMIN") {
		if have[code] == 0 {
			t.Errorf("nobody is %s", code)
		}
	}
	if have["R0260"] < 3 || have["R0050"] < 3 {
		t.Error("too few GPs or consultants")
	}
}

func TestEveryoneWhoTreatsHasPatients(t *testing.T) {
	c := county.New(1, made())
	for _, s := range c.Staff {
		switch patients := c.PatientsOf(s); {
		case s.ODSCode == "QVV" || s.Role.Code == "R0001":
			if len(patients) != 0 {
				t.Errorf("%s, who oversees, has %d patients", s.Name(), len(patients))
			}
		case len(patients) == 0:
			t.Errorf("%s (%s at %s) has no patients", s.Name(), s.Role.Name, s.ODSCode)
		}
	}
}

func TestPeople(t *testing.T) {
	c := county.New(1, made())
	if len(c.People) != county.Population {
		t.Fatalf("%d people", len(c.People))
	}
	numbers, births := map[string]bool{}, map[string]int{}
	for _, p := range c.People {
		if numbers[p.NHSNumber] || !strings.HasPrefix(p.NHSNumber, "9998") || !valid(p.NHSNumber) {
			t.Errorf("NHS number %s: twice, of another range or invalid", p.NHSNumber)
		}
		numbers[p.NHSNumber] = true
		births[p.FamilyName+p.BirthDate]++
		if !strings.HasPrefix(p.Phone, "01632 960") {
			t.Errorf("%s has phone %s", p.NHSNumber, p.Phone)
		}
		if len(p.Bundles) == 0 {
			t.Errorf("%s is in no feed", p.NHSNumber)
		}
	}
	twins := 0
	for _, n := range births {
		if n > 1 {
			twins += n
		}
	}
	if twins != 2 {
		t.Errorf("%d people share family name and date of birth, want one pair of twins", twins)
	}
}

func TestTags(t *testing.T) {
	c := county.New(1, made())
	for tag, least := range map[string]int{
		county.TagRich: 15, county.TagOptedOut: 5, county.TagOutsideGP: 8, county.TagRestricted: 2, county.TagDeceased: 5,
	} {
		if n := len(c.Tagged(tag)); n < least {
			t.Errorf("%d people are %s, want %d", n, tag, least)
		}
	}
	for _, p := range c.People {
		practice, _ := c.Organisation(p.PracticeODS)
		if outside := practice.State == county.OutOfArea; outside != p.Has(county.TagOutsideGP) {
			t.Errorf("%s: practice %s, tags %v", p.NHSNumber, p.PracticeODS, p.Tags)
		}
		if p.Has(county.TagDeceased) == p.Deceased.IsZero() {
			t.Errorf("%s: deceased %v, tags %v", p.NHSNumber, p.Deceased, p.Tags)
		}
	}
}

// TestNumbersDoNotCollideWithSharedData looks at the shared test data where it is at hand; the range is asserted above.
func TestNumbersDoNotCollideWithSharedData(t *testing.T) {
	folders, err := os.ReadDir("../../../shared/data/synthea-dorset")
	if err != nil {
		t.Logf("the shared data are not here: %v", err)
	}
	for _, folder := range folders {
		if strings.HasPrefix(folder.Name(), "9998") {
			t.Errorf("the shared data use %s", folder.Name())
		}
	}
}

func find(c *county.County, number string) county.Person {
	for _, p := range c.People {
		if p.NHSNumber == number {
			return p
		}
	}
	return county.Person{}
}

// valid checks an NHS number on its own terms: the weighted sum of all ten digits is a multiple of eleven.
func valid(number string) bool {
	if len(number) != 10 {
		return false
	}
	sum := 0
	for i, d := range number {
		if d < '0' || d > '9' {
			return false
		}
		weight := 10 - i
		if i == 9 {
			weight = 1
		}
		sum += int(d-'0') * weight
	}
	return sum%11 == 0
}

// bundle is a feed as a receiver reads it.
type bundle struct {
	ResourceType, Type, Timestamp string
	Entry                         []struct {
		FullURL  string
		Resource map[string]any
		Request  struct{ Method, URL string }
	}
}

func decode(t *testing.T, b county.Bundle) bundle {
	t.Helper()
	var decoded bundle
	if err := json.Unmarshal(b.JSON, &decoded); err != nil {
		t.Fatalf("%s: %v", b.ODSCode, err)
	}
	return decoded
}
