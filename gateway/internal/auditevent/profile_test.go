package auditevent_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/auditevent"
)

type object = map[string]any

// TestProfiles holds each resource against the rules of FHIR and of the BALP profile that it names, as we read
// them. It is not a validator.
func TestProfiles(t *testing.T) {
	named := map[string]bool{}
	for name, e := range cases() {
		r := resourceOf(t, e)
		noEmptyParts(t, name, r)
		patients := countIf(r, "entity", hasType("1"))
		if patients > 1 || (patients == 1) != (e.GetNhsNumber() != "") {
			t.Errorf("%s: %d patient entities", name, patients)
		}
		if n := countIf(r, "agent", func(a object) bool { return a["requestor"] == true }); n != 1 {
			t.Errorf("%s: %d requestors", name, n)
		}
		meta, ok := r["meta"].(object)
		if !ok {
			continue
		}
		profile := strings.TrimPrefix(meta["profile"].([]any)[0].(string), "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.")
		named[profile] = true
		for _, broken := range brokenRules(r, profile) {
			t.Errorf("%s names %s and breaks: %s", name, profile, broken)
		}
	}
	for _, want := range []string{"PatientRead", "PatientQuery", "Query", "PatientCreate", "PatientUpdate"} {
		if !named[want] {
			t.Errorf("no case names %s", want)
		}
	}
}

// TestRefusalsNameNoProfile: the profiles are for successes.
func TestRefusalsNameNoProfile(t *testing.T) {
	for _, name := range []string{"refused-view", "failed-view", "nobody-known"} {
		if r := resourceOf(t, cases()[name]); r["meta"] != nil || r["outcome"] == "0" || r["outcomeDesc"] == nil {
			t.Errorf("%s: %v", name, r)
		}
	}
}

func resourceOf(t *testing.T, e *auditv1.Event) object {
	t.Helper()
	b, err := auditevent.JSON(e)
	if err != nil {
		t.Fatal(err)
	}
	r := object{}
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// brokenRules are those that a resource does not keep.
func brokenRules(r object, profile string) []string {
	patient := strings.HasPrefix(profile, "Patient")
	kind := strings.TrimPrefix(profile, "Patient")
	action := map[string]string{"Read": "R", "Query": "E", "Create": "C", "Update": "U"}[kind]
	restful := map[string]string{"Read": "read", "Query": "search", "Create": "create", "Update": "update"}[kind]
	client, server := "110153", "110152"
	if kind == "Read" {
		client, server = server, client
	}
	var broken []string
	rule := func(holds bool, text string) {
		if !holds {
			broken = append(broken, text)
		}
	}
	rule(code(r["type"]) == "rest", "type is rest")
	rule(r["action"] == action, "action is "+action)
	rule(r["outcome"] == "0", "outcome is success")
	rule(strings.Contains(fmt.Sprint(r["subtype"]), "restful-interaction") && strings.Contains(fmt.Sprint(r["subtype"]), "code:"+restful), "subtype is "+restful)
	for _, end := range []string{client, server} {
		rule(countIf(r, "agent", func(a object) bool {
			return conceptCode(a["type"]) == end && a["who"] != nil && a["network"] != nil
		}) == 1, "one agent is "+end+", with who and network")
	}
	rule(countIf(r, "agent", func(a object) bool {
		part := conceptCode(a["type"])
		return (part == "IRCP" || part == "AUT") && (a["network"] != nil || a["requestor"] != true || a["who"] == nil)
	}) == 0, "the user has who and no network, and is the requestor")
	rule(countIf(r, "entity", hasType("XrequestId")) <= 1, "at most one request id")
	rule(countIf(r, "entity", hasType("2")) == 1, "one system object")
	rule(countIf(r, "entity", func(e object) bool {
		if code(e["type"]) != "2" {
			return false
		}
		if kind == "Query" {
			return code(e["role"]) == "24" && e["query"] != nil && e["what"] == nil && e["detail"] == nil
		}
		return code(e["role"]) == "4" && e["what"] != nil
	}) == 1, "the system object is the question, or what was touched")
	rule((countIf(r, "entity", hasType("1")) == 1) == patient, "one patient, or none")
	return broken
}

func code(v any) any {
	c, _ := v.(object)
	return c["code"]
}

func conceptCode(v any) any {
	c, _ := v.(object)
	codings, _ := c["coding"].([]any)
	if len(codings) == 0 {
		return nil
	}
	return code(codings[0])
}

func hasType(want string) func(object) bool {
	return func(e object) bool { return code(e["type"]) == want }
}

func countIf(r object, list string, is func(object) bool) int {
	n := 0
	all, _ := r[list].([]any)
	for _, one := range all {
		if o, ok := one.(object); ok && is(o) {
			n++
		}
	}
	return n
}

// noEmptyParts: FHIR knows no empty text, list or object.
func noEmptyParts(t *testing.T, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case object:
		if len(v) == 0 {
			t.Errorf("%s is an empty object", at)
		}
		for name, part := range v {
			noEmptyParts(t, at+"."+name, part)
		}
	case []any:
		if len(v) == 0 {
			t.Errorf("%s is an empty list", at)
		}
		for i, part := range v {
			noEmptyParts(t, fmt.Sprintf("%s[%d]", at, i), part)
		}
	case string:
		if v == "" {
			t.Errorf("%s is an empty text", at)
		}
	case nil:
		t.Errorf("%s is null", at)
	}
}
