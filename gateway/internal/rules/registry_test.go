package rules_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	"google.golang.org/genproto/googleapis/api/httpbody"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
)

func policy(t *testing.T) *access.Policy {
	t.Helper()
	p, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func registry(t *testing.T) *rules.Registry {
	t.Helper()
	r, err := rules.New(policy(t), rules.Exposed()...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestContractAgreesWithPolicy(t *testing.T) {
	r := registry(t)
	services := []string{
		"AuditService", "CareRelationshipService", "FhirService", "MeService", "OptOutService",
		"OrganisationService", "PatientService", "RecordService", "StaffService",
	}
	for _, want := range services {
		if !strings.Contains(strings.Join(rules.Exposed(), " "), "dcr.gateway.v1."+want) {
			t.Errorf("%s is not exposed", want)
		}
	}
	e := r.Lookup(gatewayv1.RecordService_GetRecord_FullMethodName)
	if e == nil || e.Rule.GetPermission() != "record.view" || !e.Rule.GetOptOutApplies() ||
		e.Rule.GetRelationship() != accessv1.RelationshipCheck_RELATIONSHIP_CHECK_REQUIRED {
		t.Errorf("rule of GetRecord: %v", e)
	}
	if r.Lookup("/dcr.gateway.v1.RecordService/Nothing") != nil {
		t.Error("an RPC that does not exist has a rule")
	}
}

func TestServiceWithoutRulesIsRefused(t *testing.T) {
	for _, name := range []string{"grpc.health.v1.Health", "dcr.identity.v1.FactsService", "dcr.gateway.v1.NoSuchService", "dcr.gateway.v1.GetMeRequest"} {
		if _, err := rules.New(policy(t), append(rules.Exposed(), name)...); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestPermissionThatNobodyAsksForIsRefused(t *testing.T) {
	_, err := rules.New(policy(t), "dcr.gateway.v1.MeService")
	if err == nil || !strings.Contains(err.Error(), `"record.view", and no rule asks for it`) {
		t.Errorf("got %v", err)
	}
}

func TestPatientAndBody(t *testing.T) {
	r := registry(t)
	record := r.Lookup(gatewayv1.RecordService_GetRecord_FullMethodName)
	if got := record.Patient(&gatewayv1.GetRecordRequest{NhsNumber: "999 000 2673"}); got != "999 000 2673" {
		t.Errorf("patient %q", got)
	}
	answer := &gatewayv1.GetRecordResponse{Body: &httpbody.HttpBody{Data: []byte("{}")}}
	if got, ok := record.Body(answer); !ok || string(got) != "{}" {
		t.Errorf("body %q %v", got, ok)
	}
	if got, ok := record.Body(&gatewayv1.GetRecordResponse{}); !ok || len(got) != 0 {
		t.Errorf("absent body %q %v", got, ok)
	}
	me := r.Lookup(gatewayv1.MeService_GetMe_FullMethodName)
	if _, ok := me.Body(&gatewayv1.GetMeResponse{}); ok {
		t.Error("GetMe has a ready body")
	}
	if got := me.Patient(&gatewayv1.GetMeRequest{}); got != "" {
		t.Errorf("GetMe is about %q", got)
	}
	if !proto.Equal(record.Rule, r.Lookup(record.Method).Rule) {
		t.Error("two rules of one RPC")
	}
}

func TestMatrixNamesEveryCall(t *testing.T) {
	var b bytes.Buffer
	if err := rules.Matrix(&b, policy(t)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, method := range registry(t).Methods() {
		short := strings.ReplaceAll(strings.TrimPrefix(method, "/dcr.gateway.v1."), "/", ".")
		if !strings.Contains(text, "| "+short+" |") {
			t.Errorf("the matrix lacks %s", short)
		}
	}
	paramedic := "| paramedic | R1070 | full | full | full | summary | full | summary | summary | summary |"
	if !strings.Contains(text, paramedic) {
		t.Error("the matrix lacks the paramedic's sections")
	}
	if !strings.Contains(text, "`POST /v1/patients:getRecord`") {
		t.Error("the matrix lacks a POST twin")
	}
}
