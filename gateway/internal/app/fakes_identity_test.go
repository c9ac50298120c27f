package app

import (
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

type fakeFacts struct {
	identityv1.UnimplementedFactsServiceServer
}

func participating(ods string) *identityv1.Organisation {
	return &identityv1.Organisation{
		OdsCode: ods, Name: "Organisation " + ods, ClientIds: []string{"client-" + ods}, Version: 3,
		Kind:  identityv1.OrganisationKind_ORGANISATION_KIND_AMBULANCE_TRUST,
		State: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
	}
}

func (*fakeFacts) GetStaffFacts(_ context.Context, req *identityv1.GetStaffFactsRequest) (*identityv1.GetStaffFactsResponse, error) {
	answer := &identityv1.GetStaffFactsResponse{Staff: &identityv1.StaffFacts{
		StaffId: staffID, Name: "Mary Anning", Active: true, RoleActive: true, OwnNhsNumberKnown: true,
		Organisation: participating(req.GetOdsCode()),
	}}
	n := req.GetNhsNumber()
	if n == "" || n == unknown {
		return answer, nil
	}
	answer.Patient = &identityv1.PatientFacts{NhsNumber: n, Restricted: n == restricted}
	if n != stranger {
		answer.Relationships = []*identityv1.CareRelationship{{
			Id: epoch, NhsNumber: n, OdsCode: req.GetOdsCode(), Active: true,
			Kind:   identityv1.RelationshipKind_RELATIONSHIP_KIND_EPISODE,
			EndsAt: timestamppb.New(time.Now().Truncate(24 * time.Hour).Add(48 * time.Hour)), // the same for every call
		}}
	}
	return answer, nil
}

func (*fakeFacts) GetSystemFacts(context.Context, *identityv1.GetSystemFactsRequest) (*identityv1.GetSystemFactsResponse, error) {
	return &identityv1.GetSystemFactsResponse{Organisation: participating("RYF"), Active: true}, nil
}

type fakePatients struct {
	identityv1.UnimplementedPatientServiceServer
}

func person(n string) *identityv1.Patient {
	return &identityv1.Patient{
		NhsNumber: n, FamilyName: "O'Brien-Núñez", GivenNames: []string{"<b>Ann</b>"}, BirthDate: "1980-02-29",
		Gender: "female", AddressLines: []string{"1 Secret Street"}, Postcode: "DT1 1AA", Telephones: []string{"01305 000000"},
		Gp: &identityv1.GpRegistration{OdsCode: "J81900"}, Restricted: n == restricted,
	}
}

func (*fakePatients) GetPatient(_ context.Context, req *identityv1.GetPatientRequest) (*identityv1.GetPatientResponse, error) {
	if req.GetNhsNumber() == unknown {
		return nil, fault.NotFound("PATIENT_NOT_FOUND", "nobody is known under this number")
	}
	return &identityv1.GetPatientResponse{Patient: person(req.GetNhsNumber())}, nil
}

func (*fakePatients) SearchPatients(_ context.Context, req *identityv1.SearchPatientsRequest) (*identityv1.SearchPatientsResponse, error) {
	if strings.HasPrefix(req.GetFamilyName(), "Smi") {
		return nil, fault.Exhausted("SEARCH_TOO_WIDE", "more detail is needed")
	}
	return &identityv1.SearchPatientsResponse{Patients: []*identityv1.Patient{person(rich), person(stranger)}}, nil
}

type fakeRelationships struct {
	identityv1.UnimplementedRelationshipServiceServer
}

func (*fakeRelationships) ListCareRelationships(context.Context, *identityv1.ListCareRelationshipsRequest) (*identityv1.ListCareRelationshipsResponse, error) {
	return &identityv1.ListCareRelationshipsResponse{CareRelationships: []*identityv1.CareRelationship{{Id: epoch}}}, nil
}

func (*fakeRelationships) DeclareCareRelationship(_ context.Context, req *identityv1.DeclareCareRelationshipRequest) (*identityv1.DeclareCareRelationshipResponse, error) {
	return &identityv1.DeclareCareRelationshipResponse{CareRelationship: &identityv1.CareRelationship{Id: epoch, Kind: req.GetKind()}}, nil
}

func (*fakeRelationships) EndCareRelationship(context.Context, *identityv1.EndCareRelationshipRequest) (*identityv1.EndCareRelationshipResponse, error) {
	return nil, fault.Precondition("NOT_ENDABLE", "it comes from a feed")
}

func (*fakeRelationships) BreakRestriction(context.Context, *identityv1.BreakRestrictionRequest) (*identityv1.BreakRestrictionResponse, error) {
	return &identityv1.BreakRestrictionResponse{BrokenUntil: timestamppb.Now()}, nil
}

type fakeDirectory struct {
	identityv1.UnimplementedDirectoryReadServiceServer
}

func (*fakeDirectory) ListOrganisations(_ context.Context, req *identityv1.ListOrganisationsRequest) (*identityv1.ListOrganisationsResponse, error) {
	if req.GetAfterOdsCode() == "R0D" {
		return &identityv1.ListOrganisationsResponse{Organisations: []*identityv1.Organisation{participating("RYF")}}, nil
	}
	return &identityv1.ListOrganisationsResponse{Organisations: []*identityv1.Organisation{participating("R0D")}, NextAfterOdsCode: "R0D"}, nil
}

func (*fakeDirectory) GetOrganisation(_ context.Context, req *identityv1.GetOrganisationRequest) (*identityv1.GetOrganisationResponse, error) {
	return &identityv1.GetOrganisationResponse{Organisation: participating(req.GetOdsCode())}, nil
}

func (*fakeDirectory) GetStaff(_ context.Context, req *identityv1.GetStaffRequest) (*identityv1.GetStaffResponse, error) {
	return &identityv1.GetStaffResponse{Staff: &identityv1.Staff{Id: req.GetId(), Name: "Mary", OwnNhsNumber: rich}}, nil
}

func (*fakeDirectory) ListStaff(context.Context, *identityv1.ListStaffRequest) (*identityv1.ListStaffResponse, error) {
	return &identityv1.ListStaffResponse{Staff: []*identityv1.Staff{{Id: staffID, OwnNhsNumber: rich}}}, nil
}

type fakeAdmin struct {
	identityv1.UnimplementedDirectoryAdminServiceServer
}

func (*fakeAdmin) UpdateOrganisation(_ context.Context, req *identityv1.UpdateOrganisationRequest) (*identityv1.UpdateOrganisationResponse, error) {
	return &identityv1.UpdateOrganisationResponse{Organisation: req.GetOrganisation()}, nil
}

func (*fakeAdmin) CreateStaff(_ context.Context, req *identityv1.CreateStaffRequest) (*identityv1.CreateStaffResponse, error) {
	return &identityv1.CreateStaffResponse{Staff: req.GetStaff()}, nil
}

// fakeMerges knows one merge that is published, and one that is not.
type fakeMerges struct {
	identityv1.UnimplementedMergeServiceServer
}

func (*fakeMerges) ListMerges(_ context.Context, req *identityv1.ListMergesRequest) (*identityv1.ListMergesResponse, error) {
	if req.GetNhsNumber() != rich {
		return &identityv1.ListMergesResponse{}, nil
	}
	return &identityv1.ListMergesResponse{Merges: []*identityv1.Merge{
		{NhsNumber: rich, SupersededNhsNumber: stranger, State: identityv1.MergeState_MERGE_STATE_PUBLISHED},
		{NhsNumber: rich, SupersededNhsNumber: optedOut, State: identityv1.MergeState_MERGE_STATE_LINKED},
	}}, nil
}
