package fault_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// logged reads the ids of all events of an action with an outcome since an instant, as the privacy officer
// would: through the gateway, page by page.
func (s *suite) logged(t *testing.T, action, outcome string, since time.Time) map[string]bool {
	t.Helper()
	officer := s.staff(t, county.PrivacyOfficerCode)
	query := url.Values{
		"action": {action}, "outcome": {outcome}, "page_size": {"500"},
		"from": {since.Add(-time.Second).UTC().Format(time.RFC3339Nano)},
	}
	found := map[string]bool{}
	for {
		answer, err := s.rest[0].Get(t.Context(), "/v1/audit/events?"+query.Encode(), officer.Token)
		if err == nil {
			err = answer.Err()
		}
		if err != nil {
			t.Fatalf("read the audit log: %v", err)
		}
		var page struct {
			Events []struct {
				ID string `json:"id"`
			} `json:"events"`
			NextPageToken string `json:"next_page_token"`
		}
		if err := json.Unmarshal(answer.Body, &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			found[e.ID] = true
		}
		if page.NextPageToken == "" {
			return found
		}
		query.Set("page_token", page.NextPageToken)
	}
}

// wantAccounted is the promise itself: everything that was released stands in the audit log. It gives the
// number of disclosures, and fails below least, since a run that shows nothing proves nothing.
func (s *suite) wantAccounted(t *testing.T, looks []look, least int) {
	t.Helper()
	began := time.Now()
	for _, l := range looks {
		if l.began.Before(began) {
			began = l.began
		}
	}
	events := s.logged(t, "record.view", "OUTCOME_RELEASED", began)
	disclosed, without := 0, 0
	for _, l := range looks {
		if !l.released() {
			continue
		}
		disclosed++
		if l.eventID == "" || !events[l.eventID] {
			without++
			t.Errorf("disclosed without an event in the log (id %q): %s", l.eventID, l)
		}
	}
	t.Logf("%d looks, %d disclosures, %d without an audit event", len(looks), disclosed, without)
	if disclosed < least {
		t.Errorf("only %d disclosures, want %d: the run proves nothing", disclosed, least)
	}
}
