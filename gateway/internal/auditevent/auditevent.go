package auditevent

import (
	"encoding/json"
	"fmt"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// instant is how FHIR writes one, to the millisecond.
const instant = "2006-01-02T15:04:05.000Z07:00"

// JSON is the event as an AuditEvent resource.
func JSON(e *auditv1.Event) ([]byte, error) {
	b, err := json.Marshal(of(e))
	if err != nil {
		return nil, fmt.Errorf("print audit event: %w", err)
	}
	return b, nil
}

// of maps. recorded is the time of the event itself, by which it is searched, and not that of its storing.
func of(e *auditv1.Event) resource {
	p := patternOf(e)
	return resource{
		ResourceType: "AuditEvent",
		ID:           e.GetId(),
		Meta:         p.profiles(e),
		Type:         typeOf(e),
		Subtype:      p.subtypes(e),
		Action:       p.action,
		Recorded:     e.GetOccurredAt().AsTime().Format(instant),
		Outcome:      outcomeOf(e),
		OutcomeDesc:  e.GetReason(),
		Agent:        agentsOf(e, p),
		Source: source{
			Site: site, Observer: reference{Display: site + " audit log"},
			Type: []coding{{systemSource, "4", "Application Server"}},
		},
		Entity: entitiesOf(e, p),
	}
}

// bundle is a page of a search.
type bundle struct {
	ResourceType string  `json:"resourceType"`
	Type         string  `json:"type"`
	Link         []link  `json:"link"`
	Entry        []entry `json:"entry,omitempty"`
}

type link struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

type entry struct {
	FullURL  string   `json:"fullUrl"`
	Resource resource `json:"resource"`
	Search   mode     `json:"search"`
}

type mode struct {
	Mode string `json:"mode"`
}

// Bundle is a page of a search as a searchset: self is the URL that was asked, next that of the next page, empty
// on the last. How many there are in all is not said: counting would read the whole log.
func Bundle(events []*auditv1.Event, self, next string) ([]byte, error) {
	b := bundle{ResourceType: "Bundle", Type: "searchset", Link: []link{{"self", self}}}
	if next != "" {
		b.Link = append(b.Link, link{"next", next})
	}
	for _, e := range events {
		b.Entry = append(b.Entry, entry{FullURL: "urn:uuid:" + e.GetId(), Resource: of(e), Search: mode{"match"}})
	}
	out, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("print audit events: %w", err)
	}
	return out, nil
}
