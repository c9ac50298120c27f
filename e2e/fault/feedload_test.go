package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
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

// bundle of the note, always the same bytes for the same note.
func (n note) bundle() []byte { return n.repeated(1) }

// repeated is a bundle with so many observations that tell themselves apart. The Patient in it never changes.
func (n note) repeated(count int) []byte {
	patient := "Patient/fault-" + n.person.NHSNumber
	entries := []object{put(patient, object{
		"meta":       object{"lastUpdated": "2020-01-01T00:00:00Z"},
		"identifier": []object{{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": n.person.NHSNumber}},
		"name":       []object{{"use": "official", "family": n.person.FamilyName, "given": []string{n.person.GivenName}}},
		"gender":     n.person.Gender, "birthDate": n.person.BirthDate,
	})}
	for i := range count {
		at := n.at.Add(-time.Duration(i) * time.Minute).UTC()
		entries = append(entries, put(fmt.Sprintf("Observation/fault-%s-%d", n.code, i), object{
			"status":            "final",
			"meta":              object{"lastUpdated": at.Format(time.RFC3339Nano)},
			"category":          []object{{"coding": []object{{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}}}},
			"code":              object{"coding": []object{{"system": "https://fault.test.invalid/code", "code": n.code}}, "text": "Fault test"},
			"subject":           object{"reference": patient},
			"effectiveDateTime": at.Format(time.RFC3339),
			"valueString":       fmt.Sprintf("seen %d", i),
		}))
	}
	text, err := json.Marshal(object{"resourceType": "Bundle", "type": "transaction", "entry": entries})
	if err != nil {
		panic(fmt.Sprintf("encode bundle: %v", err)) // strings, lists and maps always print
	}
	return text
}

// put is a bundle's entry that puts a resource where its reference says.
func put(reference string, resource object) object {
	resource["resourceType"], resource["id"], _ = strings.Cut(reference, "/")
	return object{
		"fullUrl": "https://fault.test.invalid/" + reference, "resource": resource,
		"request": object{"method": "PUT", "url": reference},
	}
}

// feed is one attempt to send a note and what came of it.
type feed struct {
	note   note
	status int
	reason string
	err    error
}

// unknown tells whether the sender cannot know what became of the note.
func (f feed) unknown() bool { return f.err != nil || f.status >= 500 }

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

// startFeeds lets the practice of a person send until stopped. prefix keeps its codes apart from others'. With
// again, a note without an answer is sent again until it has one, as a partner's system does.
func (s *suite) startFeeds(t *testing.T, person county.Person, prefix string, pick func(int) *stack.REST, again bool) *feeds {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &feeds{cancel: cancel}
	token := s.system(t, person.PracticeODS)
	f.sender.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			one := note{person, fmt.Sprintf("%s-%d", prefix, n), time.Now()}
			last := submit(context.WithoutCancel(ctx), pick(n), token, one)
			for tries := n; again && last.unknown() && ctx.Err() == nil; tries++ {
				rest(ctx, 5*pace)
				last = submit(context.WithoutCancel(ctx), pick(tries), token, one)
			}
			f.sent = append(f.sent, last)
			rest(ctx, pace)
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

// entries counts the entries with the code of a note that a general practitioner sees, the pages together.
func (s *suite) entries(t *testing.T, n note) int {
	t.Helper()
	token := s.practitioner(t, n.person)
	query := url.Values{"code": {n.code}, "page_size": {"500"}}
	count := 0
	for {
		answer, err := s.rest[0].Get(t.Context(), "/v1/patients/"+n.person.NHSNumber+"/record/entries?"+query.Encode(), token)
		if err == nil {
			err = answer.Err()
		}
		if err != nil {
			t.Fatalf("list entries: %v", err)
		}
		var body struct {
			Page struct {
				Entries []json.RawMessage `json:"entries"`
			} `json:"page"`
			NextPageToken string `json:"next_page_token"`
		}
		if err := json.Unmarshal(answer.Body, &body); err != nil {
			t.Fatal(err)
		}
		count += len(body.Page.Entries)
		if body.NextPageToken == "" {
			return count
		}
		query.Set("page_token", body.NextPageToken)
	}
}

// practitioner is the token of a general practitioner of a person's practice.
func (s *suite) practitioner(t *testing.T, person county.Person) string {
	t.Helper()
	for _, m := range s.manifest.Staff {
		if m.RoleCode == "R0260" && slices.Contains(m.Patients, person.NHSNumber) {
			return m.Token
		}
	}
	t.Fatalf("nobody of the practice cares for this person")
	return ""
}
