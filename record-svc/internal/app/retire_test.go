package app

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// TestRetiredNumber: a number that was merged away takes no feed, by whatever names it, and a number that has a
// record is never retired: its entries would be out of sight.
func TestRetiredNumber(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	merges := recordv1.NewMergeServiceClient(r.dial(t, identitySvc))
	retire := func(number string) bool {
		t.Helper()
		resp, err := merges.RetireNumber(limit(t), &recordv1.RetireNumberRequest{NhsNumber: number})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetRetired()
	}
	r.accept(t, surgery(), transaction(put(aliceAtHome())))
	if retire(alice) {
		t.Error("a number with a record was retired")
	}
	r.accept(t, surgery(), transaction(put(problem("c", "1", "Asthma", "2020-01-01"))))
	for range 2 {
		if !retire(bob) {
			t.Error("a number without a record is not retired")
		}
	}
	r.refuse(t, hospital(), transaction(put(bobAtHome())), 422, "NHS_NUMBER_SUPERSEDED", "Bundle.entry[0].resource")
	byNumber := problem("c", "1", "Asthma", "2020-01-01").with(resource{"subject": resource{
		"identifier": resource{"system": nhsNumberSystem, "value": bob},
	}})
	r.refuse(t, hospital(), transaction(put(byNumber)), 422, "NHS_NUMBER_SUPERSEDED", "")
	_, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(bob, whole())})
	wantReason(t, err, "PATIENT_NOT_FOUND")
	if _, err := merges.RestoreNumber(limit(t), &recordv1.RestoreNumberRequest{NhsNumber: bob}); err != nil {
		t.Fatal(err)
	}
	r.accept(t, hospital(), transaction(put(bobAtHome())))
	for _, caller := range []string{gateway, optoutSvc, "dcrctl"} {
		_, err := recordv1.NewMergeServiceClient(r.dial(t, caller)).RetireNumber(limit(t), &recordv1.RetireNumberRequest{NhsNumber: bob})
		if status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: %v", caller, err)
		}
	}
}
