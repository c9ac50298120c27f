package main

import (
	"strings"
	"testing"
)

func TestPlan(t *testing.T) {
	p, err := parsePlan(strings.NewReader(`
# a comment
identity-svc : proto internal
audit-svc : proto internal
audit-svc/verify :
internal :
internal/testkit : internal
pure identity-svc/internal/relationship
testonly internal/testkit
`))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		file source
		imp  string
		ok   bool
	}{
		{"own room", source{path: "identity-svc/internal/app/app.go"}, prefix + "identity-svc/internal/store", true},
		{"contract", source{path: "identity-svc/main.go"}, prefix + "proto/gen/go/dcr/identity/v1", true},
		{"another service", source{path: "identity-svc/main.go"}, prefix + "audit-svc/verify", false},
		{"outside", source{path: "identity-svc/main.go"}, "net/http", true},
		{"auditors' mathematics stand alone", source{path: "audit-svc/verify/leaf.go"}, prefix + "internal/fault", false},
		{"nor may they look into their own service", source{path: "audit-svc/verify/leaf.go"}, prefix + "audit-svc/internal/store", false},
		{"a service may use the mathematics", source{path: "audit-svc/internal/store/event.go"}, prefix + "audit-svc/verify", true},
		{"a pure room without SQL", source{path: "identity-svc/internal/relationship/life.go"}, "database/sql", false},
		{"its test may", source{path: "identity-svc/internal/relationship/life_test.go", test: true}, "os", true},
		{"test kit in a test", source{path: "identity-svc/internal/store/a_test.go", test: true}, prefix + "internal/testkit", true},
		{"test kit in the product", source{path: "identity-svc/internal/store/a.go"}, prefix + "internal/testkit", false},
		{"a folder nobody planned", source{path: "newroom/main.go"}, prefix + "proto/x", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if why := p.breach(c.file, c.imp); (why == "") != c.ok {
				t.Errorf("breach = %q, allowed should be %t", why, c.ok)
			}
		})
	}
}

func TestPlanRefusesWhatItDoesNotUnderstand(t *testing.T) {
	if _, err := parsePlan(strings.NewReader("purely nonsense here\n")); err == nil {
		t.Error("want an error for a line that is neither rule nor comment")
	}
}
