package app

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// TestSafeguarding: optout-svc learns whether there are such entries, whatever is sealed or held, and nobody else.
func TestSafeguarding(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	client := recordv1.NewSafeguardingServiceClient(r.dial(t, optoutSvc))
	has := func(number string) bool {
		t.Helper()
		resp, err := client.HasSafeguardingEntries(limit(t), &recordv1.HasSafeguardingEntriesRequest{NhsNumber: number})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetHasEntries()
	}
	flag := about("Flag", "f", resource{
		"status": "active", "code": snomed("704659005", "Child at risk"), "period": resource{"start": "2026-01-01"},
		"category": []any{resource{"coding": []any{resource{"system": "http://terminology.hl7.org/CodeSystem/flag-category", "code": "safety"}}, "text": "Safeguarding"}},
	})
	if has(alice) {
		t.Error("nobody has such entries yet")
	}
	r.accept(t, hospital(), transaction(put(bobAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	r.accept(t, council(), transaction(put(aliceAtHome()), put(flag)))
	if !has(alice) || has(bob) {
		t.Errorf("alice %v, bob %v", has(alice), has(bob))
	}
	r.choose(t, alice, 1, true)
	if !has(alice) {
		t.Error("a seal hides them from whom they concern")
	}
	r.accept(t, council(), transaction(deletes("Flag/f")))
	if has(alice) {
		t.Error("one that was deleted still counts")
	}
	_, err := client.HasSafeguardingEntries(limit(t), &recordv1.HasSafeguardingEntriesRequest{NhsNumber: "9990000019"})
	wantReason(t, err, "INVALID_NHS_NUMBER")
	for _, caller := range []string{gateway, identitySvc, "dcrctl"} {
		_, err := recordv1.NewSafeguardingServiceClient(r.dial(t, caller)).HasSafeguardingEntries(limit(t), &recordv1.HasSafeguardingEntriesRequest{NhsNumber: alice})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", caller, err)
		}
	}
}
