package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// note is a small bundle of an organisation about somebody, with one observation that a test finds again.
type note struct {
	person county.Person
	// code of the observation, of our own making; its id is made of it.
	code string
	// at is when it was last changed.
	at time.Time
}

type object = map[string]any

// bundle of the note, always the same bytes for the same note. The Patient in it never changes.
func (n note) bundle() []byte {
	patient, observation := "Patient/fault-"+n.person.NHSNumber, "Observation/fault-"+n.code
	text, err := json.Marshal(object{
		"resourceType": "Bundle", "type": "transaction",
		"entry": []object{
			{"fullUrl": "https://fault.test.invalid/" + patient, "request": object{"method": "PUT", "url": patient}, "resource": object{
				"resourceType": "Patient", "id": "fault-" + n.person.NHSNumber,
				"meta":       object{"lastUpdated": "2020-01-01T00:00:00Z"},
				"identifier": []object{{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": n.person.NHSNumber}},
				"name":       []object{{"use": "official", "family": n.person.FamilyName, "given": []string{n.person.GivenName}}},
				"gender":     n.person.Gender, "birthDate": n.person.BirthDate,
			}},
			{"fullUrl": "https://fault.test.invalid/" + observation, "request": object{"method": "PUT", "url": observation}, "resource": object{
				"resourceType": "Observation", "id": "fault-" + n.code, "status": "final",
				"meta":              object{"lastUpdated": n.at.UTC().Format(time.RFC3339Nano)},
				"category":          []object{{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}}}},
				"code":              object{"coding": []object{{"system": "https://fault.test.invalid/code", "code": n.code}}, "text": "Fault test"},
				"subject":           object{"reference": patient},
				"effectiveDateTime": n.at.UTC().Format(time.RFC3339),
				"valueString":       "seen",
			}},
		},
	})
	if err != nil {
		panic(fmt.Sprintf("encode bundle: %v", err)) // strings, lists and maps always print
	}
	return text
}

// feed is one attempt to send a note and what came of it.
type feed struct {
	note   note
	status int
	reason string
	err    error
}

func (f feed) String() string {
	return fmt.Sprintf("note %s: status %d, reason %s, error %v", f.note.code, f.status, f.reason, f.err)
}

// submit sends a note once.
func submit(ctx context.Context, client *stack.REST, token string, n note) feed {
	f := feed{note: n}
	answer, err := client.Submit(ctx, token, n.bundle())
	if err != nil {
		f.err = err
		return f
	}
	f.status, f.reason = answer.Status, answer.Reason()
	return f
}

// system is the token of an organisation's system.
func (s *suite) system(t *testing.T, odsCode string) string {
	t.Helper()
	for _, e := range s.manifest.Systems {
		if e.ODSCode == odsCode {
			return e.Token
		}
	}
	t.Fatalf("no system of %s", odsCode)
	return ""
}

// feeds is a partner's system that sends one new note after the other.
type feeds struct {
	cancel context.CancelFunc
	sender sync.WaitGroup
	sent   []feed
}

// startFeeds lets the practice of a person send until stopped. prefix keeps its codes apart from others'.
func (s *suite) startFeeds(t *testing.T, person county.Person, prefix string, pick func(int) *stack.REST) *feeds {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &feeds{cancel: cancel}
	token := s.system(t, person.PracticeODS)
	f.sender.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			one := note{person, fmt.Sprintf("%s-%d", prefix, n), time.Now()}
			f.sent = append(f.sent, submit(context.WithoutCancel(ctx), pick(n), token, one))
			rest(ctx, 5*pace)
		}
	})
	return f
}

// stop ends sending and gives everything that was sent.
func (f *feeds) stop() []feed {
	f.cancel()
	f.sender.Wait()
	return f.sent
}
