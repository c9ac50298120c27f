package bundle

import (
	"fmt"
	"strings"
	"testing"
)

// TestNamedPerson finds whom a refused bundle names, and nobody where that is not certain.
func TestNamedPerson(t *testing.T) {
	a := put(patient("p", numberA))
	identified := func(identifiers string) string {
		return transaction(put(fmt.Sprintf(`{"resourceType":"Patient","id":"p","identifier":[%s]}`, identifiers)))
	}
	nhs := func(use, value string) string {
		return fmt.Sprintf(`{"use":%q,"system":"https://fhir.nhs.uk/Id/nhs-number","value":%q}`, use, value)
	}
	for name, c := range map[string]struct{ body, want string }{
		"one":                    {transaction(a), numberA},
		"one, twice":             {transaction(a, a), numberA},
		"two":                    {transaction(a, put(patient("q", numberB))), ""},
		"invalid":                {transaction(put(patient("p", "1234567890"))), ""},
		"an old one too":         {identified(nhs("old", numberB) + "," + nhs("official", numberA)), numberA},
		"two at once":            {identified(nhs("official", numberB) + "," + nhs("official", numberA)), ""},
		"none":                   {transaction(put(condition("c", byNHSNumber(numberA)))), ""},
		"cut off":                {transaction(a)[:100], ""},
		"deeper than is decoded": {strings.TrimSuffix(transaction(a), "}") + `,"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}", ""},
		"larger than is taken":   {transaction(a) + strings.Repeat(" ", Standard().Bytes), ""},
	} {
		if got := NamedPerson([]byte(c.body)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
