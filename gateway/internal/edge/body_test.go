package edge

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// TestWholeBodiesPass: what the contract allows is not refused.
func TestWholeBodiesPass(t *testing.T) {
	staff := (&gatewayv1.CreateStaffRequest{}).ProtoReflect().Descriptor()
	for _, body := range []string{
		`{}`, ` { } `, `{"staff":null}`, `{"request_id":"é \u00e9"}`,
		`{"staff":{"roles":[{"role_code":"R1070","starts_at":"2026-01-01T00:00:00.5Z"},{}],"own_nhs_number_known":true,"version":"3"}}`,
		`{"staff":{"version":3}}`,
	} {
		if err := checkJSON([]byte(body), staff, nil); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if err := protojson.Unmarshal([]byte(body), &gatewayv1.CreateStaffRequest{}); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestFaultsAreNamedByPath(t *testing.T) {
	staff := (&gatewayv1.CreateStaffRequest{}).ProtoReflect().Descriptor()
	for body, want := range map[string][2]string{
		`{"staff":{"roles":[{},{"rolecode":"x"}]}}`: {reasonUnknown, "staff.roles[1].rolecode"},
		`{"staff":{"roles":[{"starts_at":"x"}]}}`:   {reasonArgument, "staff.roles[0].starts_at"},
		`{"staff":{"roles":[{"starts_at":7}]}}`:     {reasonArgument, "staff.roles[0].starts_at"},
		`{"staff":{"roles":{}}}`:                    {reasonArgument, "staff.roles"},
		`{"staff":{"roles":[null]}}`:                {reasonArgument, "staff.roles[0]"},
		`{"staff":[]}`:                              {reasonArgument, "staff"},
		`{"staff":{"own_nhs_number_known":"true"}}`: {reasonArgument, "staff.own_nhs_number_known"},
		`{"staff":{"name":7}}`:                      {reasonArgument, "staff.name"},
		`{"staff":{"version":"three"}}`:             {reasonArgument, "staff.version"},
		`{"` + strings.Repeat("n", 500) + `":1}`:    {reasonUnknown, strings.Repeat("n", 60)},
	} {
		f := fault.FromStatus(checkJSON([]byte(body), staff, nil))
		if f == nil || f.Reason != want[0] || f.Fields[0].Name != want[1] {
			t.Errorf("%s: %v", body, f)
		}
	}
}

func TestPathAndBodyMustAgree(t *testing.T) {
	update := (&gatewayv1.UpdateOrganisationRequest{}).ProtoReflect().Descriptor()
	path := map[string]string{"ods_code": "R0D"}
	if err := checkJSON([]byte(`{"ods_code":"R0D","organisation":{"ods_code":"RBD"}}`), update, path); err != nil {
		t.Errorf("a deeper field of the same name: %v", err)
	}
	err := checkJSON([]byte(`{"ods_code":"RBD"}`), update, path)
	if fault.ReasonOf(err) != reasonMismatch {
		t.Errorf("%v", err)
	}
}

// FuzzBody: the walker never panics, and what it passes is a message to protojson too, so that no body is refused
// in words that we did not choose.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"family_name":"A"}`, `{"nhs_number":"9990002673","gender":"x"}`, `{"a":1}`, `[`, `{"family_name":}`, "{\"family_name\":\"\xff\"}",
		`{"family_name":"\ud800"}`, `{"family_name":"a","family_name":"b"}`, `{} {}`,
	} {
		f.Add([]byte(seed))
	}
	search := (&gatewayv1.SearchPatientsRequest{}).ProtoReflect().Descriptor()
	f.Fuzz(func(t *testing.T, body []byte) {
		err := checkJSON(body, search, map[string]string{"nhs_number": "9990002673"})
		if err == nil {
			if err := protojson.Unmarshal(body, &gatewayv1.SearchPatientsRequest{}); err != nil && !strings.Contains(string(body), `\u`) {
				t.Errorf("passed, and protojson says %v", err)
			}
			return
		}
		if p := problemOf(err); p.status != 400 || p.fault.Reason == fault.ReasonInternal {
			t.Errorf("refused with %d %s", p.status, p.fault.Reason)
		}
	})
}
