package policy_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

func text(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile("policy.v1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func shipped(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestShippedPolicy(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	want := policy.Limits{
		EffectDays: 14, NearDays: 3, UnconfirmedDays: 28,
		CodeByLetter: 14 * 24 * time.Hour, CodeByEmail: 24 * time.Hour, CodeByText: time.Hour,
		CodeAttempts: 5, CodesSent: 3, PerReferenceHourly: 10,
	}
	if diff := cmp.Diff(want, p.Limits()); diff != "" {
		t.Error(diff)
	}
	if d := p.Documents(); d.MaxBytes != 10<<20 || d.PerRequest != 20 || len(d.Types) != 4 {
		t.Errorf("documents: %+v", d)
	}
	if p.Zone().String() != "Europe/London" || p.Child() != (policy.Child{AskedFrom: 12, Below: 18}) {
		t.Errorf("zone %s, child %+v", p.Zone(), p.Child())
	}
	for channel, code := range map[request.Channel]string{request.Telephone: "CC", request.Online: "OP", request.Post: "PP", request.Leaflet: "PP"} {
		if got := p.ChannelCode(channel); got != code {
			t.Errorf("%s is %q, want %q (DOMAIN section 7)", channel, got, code)
		}
	}
}

func TestVersionShowsAnEdit(t *testing.T) {
	t.Parallel()
	same, err := policy.Parse([]byte(text(t)))
	if err != nil || same.Version() != shipped(t).Version() {
		t.Fatalf("the same text is another policy: %v", err)
	}
	edited, err := policy.Parse([]byte(strings.Replace(text(t), "near_due_days: 3", "near_due_days: 4", 1)))
	if err != nil || edited.Version() == same.Version() || edited.Limits().NearDays != 4 {
		t.Errorf("the edit is not in force, or does not show: %v", err)
	}
	if _, err := policy.Parse([]byte(text(t) + "# " + strings.Repeat("x", 1<<18))); err == nil {
		t.Error("no bound on the length")
	}
}

// TestFaultyPoliciesAreRefused: each of these edits stops the process, and says what is wrong.
func TestFaultyPoliciesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"override":                   {"emergency_override: never", "emergency_override: reviewed", `only "never"`},
		"override left out":          {"emergency_override: never", "", `only "never"`},
		"unknown key":                {"per_reference_hourly: 10", "per_reference_hourly: 10\nper_person_hourly: 3", "per_person_hourly"},
		"unknown key within":         {"near_due_days: 3", "near_due_day: 3", "near_due_day"},
		"key twice":                  {"per_reference_hourly: 10", "per_reference_hourly: 10\nper_reference_hourly: 11", "already defined"},
		"no version":                 {`version: "2026-11-22"`, "", "version"},
		"version with a space":       {`version: "2026-11-22"`, `version: "of today"`, "version"},
		"no zone":                    {"time_zone: Europe/London", "", "time_zone"},
		"unknown zone":               {"Europe/London", "Europe/Dorchester", "time_zone"},
		"the machine's zone":         {"Europe/London", "Local", "time_zone"},
		"three weeks more":           {"within_days: 14", "within_days: 35", "effect_confirmed_within_days"},
		"no limit":                   {"effect_confirmed_within_days: 14", "", "effect_confirmed_within_days"},
		"near from the first day":    {"near_due_days: 3", "near_due_days: 14", "near_due_days"},
		"forgotten before the code":  {"keep_unconfirmed_days: 28", "keep_unconfirmed_days: 13", "shorter than a code is valid"},
		"endless attempts":           {"attempts: 5", "attempts: 5000", "code.attempts"},
		"200 MB":                     {"max_bytes: 10485760", "max_bytes: 209715200", "documents.max_bytes"},
		"type twice":                 {"image/tiff]", "image/png]", "named twice"},
		"unknown type":               {"image/tiff]", "image/svg+xml]", "image/svg+xml"},
		"no type":                    {"types: [application/pdf, image/png, image/jpeg, image/tiff]", "types: []", "documents.types"},
		"asked when grown up":        {"asked_from: 12", "asked_from: 19", "child.asked_from"},
		"grown up at 12":             {"below: 18", "below: 12", "child.below"},
		"evidence without a title":   {"title: who took the call", `title: ""`, "taken_by: no title"},
		"evidence that carries what": {"carries: [document]", "carries: [scan]", "scanned_form.carries"},
		"carried twice":              {"carries: [text, date]", "carries: [text, text]", "child_asked.carries"},
		"nobody asks for it":         {"      - one_of: [taken_by]\n", "", "evidence.taken_by: nobody asks for it"},
		"asked for what":             {"one_of: [taken_by]", "one_of: [took_by]", `no evidence "took_by"`},
		"asked for nothing":          {"one_of: [taken_by]", "one_of: []", "one_of is empty"},
		"on what condition":          {"if: child_is_asked", "if: child_agrees", "child_is_asked"},
		"channel left out":           {"  leaflet:\n    code: PP", "  letter:\n    code: PP", "channels.leaflet: missing"},
		"unknown channel":            {"channels:\n", "channels:\n  fax: {code: FX, officer_may_state: false, evidence: []}\n", "channels.fax"},
		"statement not decided":      {"code: CC\n    officer_may_state: true", "code: CC", "channels.telephone"},
		"online by statement":        {"code: OP\n    officer_may_state: false", "code: OP\n    officer_may_state: true", "channels.online"},
		"online with evidence":       {"officer_may_state: false\n    evidence: []", "officer_may_state: false\n    evidence:\n      - one_of: [taken_by]", "channels.online"},
		"requester left out":         {"  attorney:\n", "  deputy:\n", "requesters.attorney: missing"},
		"attorney without proof": {"      - one_of: [lasting_power_of_attorney, deputy_order]\n      - one_of: [proof_of_requester]\n",
			"      []\n", "nobody acts for another without evidence"},
		"GP may ask":            {"    may_ask: false\n    why: A GP is no proxy. The person, a parent, or an attorney or deputy asks.", "    may_ask: true", "requesters.gp"},
		"GP without a why":      {"    why: A GP is no proxy. The person, a parent, or an attorney or deputy asks.\n", "", "requesters.gp"},
		"nobody for themselves": {"  self:\n    may_ask: true", "  self:\n    may_ask: true\n    for_adults_only: true", "requesters.self"},
		"for nobody":            {"for_children_only: true", "for_children_only: true\n    for_adults_only: true", "for nobody"},
		"refusal without title": {"title: the safeguarding lead refused it", `title: ""`, "refusals.safeguarding"},
		"refused by staff":      {"by: [system]", "by: [staff]", "refusals.not_confirmed"},
		"reason left out":       {"  not_confirmed:\n", "  unconfirmed:\n", "refusals.not_confirmed"},
		"second document":       {"time_limits:", "---\ntime_limits:", ""},
		"no YAML":               {"time_limits:", "time_limits: [", "parse"},
		"empty":                 {text(t), "", "EOF"},
	} {
		if !strings.Contains(text(t), c.old) {
			t.Errorf("%s: the policy has no %q", name, c.old)
			continue
		}
		_, err := policy.Parse([]byte(strings.Replace(text(t), c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// asked is a list of requirements in a form to compare: alternatives joined by a bar.
func asked(needs []policy.Requirement) string {
	var all []string
	for _, n := range needs {
		var names []string
		for _, i := range n.OneOf {
			names = append(names, i.Name)
		}
		all = append(all, strings.Join(names, "|"))
	}
	return strings.Join(all, " ")
}

func TestRequired(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	const call, post = "call_reference identity_questions taken_by", "form_received_on scanned_form proof_of_name_and_address"
	const parent, attorney = "birth_certificate|parental_responsibility proof_of_requester", "lasting_power_of_attorney|deputy_order proof_of_requester"
	for _, c := range []struct {
		requester request.Requester
		channel   request.Channel
		age       int
		want      string
	}{
		{request.Self, request.Telephone, 40, call},
		{request.Self, request.Online, 40, ""},
		{request.Self, request.Post, 40, post},
		{request.Self, request.Leaflet, 40, "form_reference handed_in_at"},
		{request.Parent, request.Online, 5, parent},
		{request.Parent, request.Online, 11, parent},
		{request.Parent, request.Online, 12, parent + " child_asked"},
		{request.Parent, request.Telephone, 17, call + " " + parent + " child_asked"},
		{request.Attorney, request.Post, 80, post + " " + attorney},
	} {
		if got := asked(p.Required(c.requester, c.channel, c.age)); got != c.want {
			t.Errorf("%s by %s, age %d: %q, want %q", c.requester, c.channel, c.age, got, c.want)
		}
	}
}

// TestNothingIsMissingOnlyWhenAllIsShown: each requirement alone keeps a request from being complete.
func TestNothingIsMissingOnlyWhenAllIsShown(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	for _, r := range request.Requesters() {
		for _, ch := range request.Channels() {
			for _, age := range []int{5, 12, 40} {
				needs := p.Required(r, ch, age)
				var shown []string
				for _, n := range needs {
					shown = append(shown, n.OneOf[len(n.OneOf)-1].Name)
				}
				if left := p.Missing(r, ch, age, shown); len(left) > 0 {
					t.Errorf("%s by %s: %s missing of what was shown", r, ch, asked(left))
				}
				for i := range shown {
					without := slices.Delete(slices.Clone(shown), i, i+1)
					if left := p.Missing(r, ch, age, without); asked(left) != asked(needs[i:i+1]) {
						t.Errorf("%s by %s without %s: %q missing", r, ch, shown[i], asked(left))
					}
				}
			}
		}
		if p.OfficerMayState(r, request.Telephone) != (r == request.Self) || p.OfficerMayState(r, request.Online) {
			t.Errorf("%s: may be stated", r)
		}
	}
	if i, ok := p.Item("scanned_form"); !ok || !i.Needs(policy.CarriesDocument) || i.Needs(policy.CarriesText) {
		t.Errorf("scanned form: %+v", i)
	}
	if _, ok := p.Item("horoscope"); ok || slices.Contains(p.Items(), "horoscope") || len(p.Items()) != 14 {
		t.Errorf("items: %v", p.Items())
	}
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	for _, c := range []struct {
		relation string
		age      int
		want     bool
	}{
		{"self", 40, true}, {"self", 12, true}, {"self", 11, false}, {"self", 0, false},
		{"parent", 0, true}, {"parent", 17, true}, {"parent", 18, false},
		{"attorney", 17, false}, {"attorney", 18, true},
		{"gp", 40, false}, {"neighbour", 40, false}, {"", 40, false}, {"Self", 40, false},
	} {
		if ok, why := p.MayAsk(c.relation, c.age); ok != c.want || ok != (why == "") {
			t.Errorf("%q for age %d: %v %q", c.relation, c.age, ok, why)
		}
	}
	for age, want := range map[int][2]bool{11: {true, false}, 12: {true, true}, 17: {true, true}, 18: {false, false}} {
		if got := [2]bool{p.IsChild(age), p.IsAsked(age)}; got != want {
			t.Errorf("age %d: child, asked %v", age, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	want := map[request.Actor]string{
		request.System:  "already_opted_out not_confirmed not_opted_out",
		request.Lead:    "safeguarding",
		request.Officer: "already_opted_out details_differ evidence_insufficient evidence_missing not_entitled not_opted_out other person_not_found",
		request.Person:  "", request.Staff: "",
	}
	for actor, reasons := range want {
		if got := strings.Join(p.Refusals(actor), " "); got != reasons {
			t.Errorf("%s: %q", actor, got)
		}
	}
	if p.MayRefuseFor("whim", request.Officer) || p.MayRefuseFor("safeguarding", request.Officer) {
		t.Error("a privacy officer refuses for what is not theirs")
	}
}
