package auditevent_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/auditevent"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

func london(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func at(t *testing.T, v string) *timestamppb.Timestamp {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		t.Fatal(err)
	}
	return timestamppb.New(parsed)
}

func TestParseSearch(t *testing.T) {
	const released, changed, refused = auditv1.Outcome_OUTCOME_RELEASED, auditv1.Outcome_OUTCOME_CHANGED, auditv1.Outcome_OUTCOME_REFUSED
	for query, want := range map[string]*auditv1.EventFilter{
		"":                                {},
		"patient.identifier=999 000 2673": {NhsNumber: person},
		"patient.identifier=https://fhir.nhs.uk/Id/nhs-number|9990002673":   {NhsNumber: person},
		"agent.identifier=staff-7":                                          {StaffId: "staff-7"},
		"agent.identifier=https://fhir.nhs.uk/Id/ods-organization-code|ryf": {OdsCode: "RYF"},
		"outcome=0":   {Outcomes: []auditv1.Outcome{released, changed}},
		"outcome=4,0": {Outcomes: []auditv1.Outcome{refused, released, changed}},
		"outcome=http://terminology.hl7.org/CodeSystem/audit-event-outcome|4": {Outcomes: []auditv1.Outcome{refused}},
		"type=rest": {ExceptActions: []string{"session.begin", "authentication.refused"}},
		"type=http://dicom.nema.org/resources/ontology/DCM|110114": {Actions: []string{"session.begin", "authentication.refused"}},
		"subtype=record.view":                        {Action: "record.view"},
		"date=2026-11-22":                            {From: at(t, "2026-11-22T00:00:00Z"), To: at(t, "2026-11-23T00:00:00Z")},
		"date=2026-07-01":                            {From: at(t, "2026-06-30T23:00:00Z"), To: at(t, "2026-07-01T23:00:00Z")},
		"date=ge2026-11&date=lt2026-11-22T10:02:03Z": {From: at(t, "2026-11-01T00:00:00Z"), To: at(t, "2026-11-22T10:02:03Z")},
		"date=gt2026-11-22T10:02:03Z":                {From: at(t, "2026-11-22T10:02:04Z")},
		"date=le2026":                                {To: at(t, "2027-01-01T00:00:00Z")},
		"date=2026-11-22T10:02:03.5%2B01:00&patient.identifier=9990002673": {NhsNumber: person, From: at(t, "2026-11-22T09:02:03.5Z"), To: at(t, "2026-11-22T09:02:03.501Z")},
		"date=2026-11-22T10:02Z": {From: at(t, "2026-11-22T10:02:00Z"), To: at(t, "2026-11-22T10:03:00Z")},
		"subtype=https://dorsetcarerecord/CodeSystem/audit-action|me.view&type=rest": {Action: "me.view", ExceptActions: []string{"session.begin", "authentication.refused"}},
	} {
		params, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := auditevent.ParseSearch(params, london(t))
		if err != nil || got.Nothing {
			t.Errorf("%s: %v, nothing %v", query, err, got.Nothing)
			continue
		}
		if diff := cmp.Diff(want, got.Filter, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestParseSearchOfNothing(t *testing.T) {
	for _, query := range []string{"type=110112", "outcome=12", "type=http://example.test|rest"} {
		params, _ := url.ParseQuery(query)
		if got, err := auditevent.ParseSearch(params, time.UTC); err != nil || !got.Nothing {
			t.Errorf("%s: %v, nothing %v", query, err, got.Nothing)
		}
	}
}

func TestParseSearchRefuses(t *testing.T) {
	for query, field := range map[string]string{
		"patient.identifier=9990002674":              "patient.identifier",
		"patient.identifier=http://else|9990002673":  "patient.identifier",
		"agent.identifier=http://else|staff-1":       "agent.identifier",
		"agent.identifier=|":                         "agent.identifier",
		"outcome=1":                                  "outcome",
		"outcome=0,":                                 "outcome",
		"date=yesterday":                             "date",
		"date=sa2026":                                "date",
		"date=2026-13":                               "date",
		"date=2026-11-22T10:02:03":                   "date",
		"date=ge2026&date=ge2027":                    "date",
		"date=2026&date=ge2027":                      "date",
		"date=ge2027&date=lt2026":                    "date",
		"subtype=http://hl7.org/fhir/restful|search": "subtype",
	} {
		params, _ := url.ParseQuery(query)
		_, err := auditevent.ParseSearch(params, time.UTC)
		f := fault.FromStatus(fault.Status(err).Err())
		if err == nil || f.Kind != fault.KindInvalid || f.Fields[0].Name != field {
			t.Errorf("%s: %v, want a refusal of %s", query, err, field)
		}
	}
}
