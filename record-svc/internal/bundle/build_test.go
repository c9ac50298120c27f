package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The pieces from which tests build bundles.
const (
	numberA = "9990002673"
	numberB = "9990019576"
)

func transaction(entries ...string) string {
	return `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
}

func patient(id, nhsNumber string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","id":%q,"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":%q}]}`, id, nhsNumber)
}

// condition is about what subject says: a JSON object.
func condition(id, subject string) string {
	return fmt.Sprintf(`{"resourceType":"Condition","id":%q,"subject":%s}`, id, subject)
}

func ref(reference string) string { return fmt.Sprintf(`{"reference":%q}`, reference) }

func byNHSNumber(number string) string {
	return fmt.Sprintf(`{"identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":%q}}`, number)
}

// put makes a PUT of the resource to its own type and id.
func put(resource string) string {
	var head struct{ ResourceType, ID string }
	if err := json.Unmarshal([]byte(resource), &head); err != nil {
		panic(err)
	}
	return send("PUT", head.ResourceType+"/"+head.ID, "", resource)
}

// send makes an entry; fullURL and resource may be empty.
func send(method, url, fullURL, resource string) string {
	parts := []string{fmt.Sprintf(`"request":{"method":%q,"url":%q}`, method, url)}
	if fullURL != "" {
		parts = append(parts, fmt.Sprintf(`"fullUrl":%q`, fullURL))
	}
	if resource != "" {
		parts = append(parts, `"resource":`+resource)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func decode(t *testing.T, body string) *Bundle {
	t.Helper()
	b, err := Decode([]byte(body), Options{Limits: Standard()})
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return b
}

func settle(t *testing.T, body string, known map[Key]Stored) *Settled {
	t.Helper()
	settled, err := decode(t, body).Settle(known)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return settled
}

// wantRefusal checks that err is the refusal wanted, there.
func wantRefusal(t *testing.T, err error, reason Reason, expression string) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want refusal %s", err, reason)
	}
	if refusal.Reason != reason || refusal.Expression != expression {
		t.Errorf("got %s at %q, want %s at %q", refusal.Reason, refusal.Expression, reason, expression)
	}
	if refusal.Text == "" || refusal.IssueCode() == "" || refusal.Status() < 400 || refusal.Status() > 422 {
		t.Errorf("refusal without text, code or status: %+v", refusal)
	}
	for _, secret := range []string{numberA, numberB, "9999999999", "Tester"} {
		if strings.Contains(refusal.Text+refusal.Expression+refusal.Error(), secret) {
			t.Errorf("the refusal quotes the bundle: %+v", refusal)
		}
	}
}
