package blackbox_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// baseline is a permitted call of one RPC, from which the matrix deviates.
type baseline struct {
	// role of the member of staff who may; empty where a partner's system may, or anyone.
	role string
	// restricted is true where the call needs a restricted person.
	restricted bool
	// about makes the person whom the call is about, where that is not somebody whom the ambulance attends.
	about func(s *suite, t *testing.T) person
	// make is a call that succeeds for who, about p.
	make func(s *suite, t *testing.T, who member, p person) proto.Message
}

// baselines has a row for every RPC of the contract. A new RPC without one fails the matrix.
func baselines() map[string]baseline {
	all := map[string]baseline{}
	for _, part := range []map[string]baseline{recordRows(), relationshipRows(), privacyRows(), feedRows(), caseRows(), logRows(), undecidedRows(), optOutRows(), registerRows(), publicRows(), organisationRows(), staffRows()} {
		for name, row := range part {
			all["/dcr.gateway.v1."+name] = row
		}
	}
	return all
}

const (
	paramedic = "R1070"
	privacy   = county.PrivacyOfficerCode
	guardian  = "R5105"
	administr = county.AdministratorCode
)

func recordRows() map[string]baseline {
	type made = func(*suite, *testing.T, member, person) proto.Message
	about := func(f func(number string) proto.Message) made {
		return func(_ *suite, _ *testing.T, _ member, p person) proto.Message { return f(p.number) }
	}
	return map[string]baseline{
		"MeService/GetMe":               {role: paramedic, make: about(func(string) proto.Message { return &gatewayv1.GetMeRequest{} })},
		"PatientService/SearchPatients": {role: paramedic, make: about(func(n string) proto.Message { return &gatewayv1.SearchPatientsRequest{NhsNumber: n} })},
		"PatientService/GetPatient":     {role: paramedic, make: about(func(n string) proto.Message { return &gatewayv1.GetPatientRequest{NhsNumber: n} })},
		"PatientService/ExplainAccess":  {role: paramedic, make: about(func(n string) proto.Message { return &gatewayv1.ExplainAccessRequest{NhsNumber: n} })},
		"PatientService/BreakRestriction": {role: paramedic, restricted: true, make: about(func(n string) proto.Message {
			return breaks(n)
		})},
		"RecordService/GetRecord":   {role: paramedic, make: about(func(n string) proto.Message { return &gatewayv1.GetRecordRequest{NhsNumber: n} })},
		"RecordService/ListEntries": {role: paramedic, make: about(func(n string) proto.Message { return &gatewayv1.ListEntriesRequest{NhsNumber: n} })},
		"RecordService/GetEntry": {role: paramedic, make: func(s *suite, t *testing.T, _ member, p person) proto.Message {
			crew := s.hire(t, paramedic, ambulance, "")
			return &gatewayv1.GetEntryRequest{NhsNumber: p.number, Id: anEntry(t, s.record(t, crew, p.number))}
		}},
	}
}

func relationshipRows() map[string]baseline {
	return map[string]baseline{
		"CareRelationshipService/ListCareRelationships": {role: paramedic, make: func(_ *suite, _ *testing.T, _ member, p person) proto.Message {
			return &gatewayv1.ListCareRelationshipsRequest{NhsNumber: p.number}
		}},
		"CareRelationshipService/DeclareCareRelationship": {role: paramedic, make: func(_ *suite, _ *testing.T, _ member, p person) proto.Message {
			return &gatewayv1.DeclareCareRelationshipRequest{
				RequestId: uuid.NewString(), NhsNumber: p.number, Kind: identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED,
				ReasonCode: "04", ReasonText: "Asked for advice by telephone",
			}
		}},
		"CareRelationshipService/EndCareRelationship": {role: paramedic, make: func(s *suite, t *testing.T, who member, p person) proto.Message {
			r := s.declare(t, who, p.number, identityv1.RelationshipKind_RELATIONSHIP_KIND_SELF_DECLARED)
			return &gatewayv1.EndCareRelationshipRequest{RequestId: uuid.NewString(), NhsNumber: p.number, Id: r.GetId()}
		}},
	}
}

func privacyRows() map[string]baseline {
	const self, post = optoutv1.Requester_REQUESTER_SELF, optoutv1.Channel_CHANNEL_POST
	// anEvent is the id of some event: that of a look at oneself.
	anEvent := func(s *suite, t *testing.T) string { return s.ask(t, s.auditor, &gatewayv1.GetMeRequest{}).eventID }
	return map[string]baseline{
		"AccessHistoryService/GetAccessHistory": {role: privacy, make: func(_ *suite, _ *testing.T, _ member, p person) proto.Message {
			return &gatewayv1.GetAccessHistoryRequest{NhsNumber: p.number}
		}},
		"AccessHistoryService/PrintAccessHistory": {role: guardian, make: func(_ *suite, _ *testing.T, _ member, p person) proto.Message {
			return &gatewayv1.PrintAccessHistoryRequest{NhsNumber: p.number}
		}},
		"AuditService/GetEvent": {role: guardian, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.GetEventRequest{EventId: anEvent(s, t)}
		}},
		"FhirAuditService/SearchAuditEvents": {role: guardian, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.SearchAuditEventsRequest{XCount: 1}
		}},
		"FhirAuditService/PostSearchAuditEvents": {role: privacy, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.PostSearchAuditEventsRequest{Form: &httpbody.HttpBody{Data: []byte("_count=1")}}
		}},
		"FhirAuditService/ReadAuditEvent": {role: guardian, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.ReadAuditEventRequest{Id: anEvent(s, t)}
		}},
		"AuditService/ListEvents": {role: guardian, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListEventsRequest{PageSize: 1}
		}},
		"OptOutService/RegisterOptOut": {role: privacy, make: func(_ *suite, _ *testing.T, _ member, p person) proto.Message {
			return &gatewayv1.RegisterOptOutRequest{
				RequestId: uuid.NewString(), NhsNumber: p.number, FamilyName: p.family, BirthDate: p.birth,
				Channel: post, Evidence: "letter", Requester: self,
			}
		}},
		"OptOutService/WithdrawOptOut": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.WithdrawOptOutRequest{
				RequestId: uuid.NewString(), Id: s.optsOut(t, s.attended(t)).GetId(), Channel: post, Evidence: "letter", Requester: self,
			}
		}},
		"OptOutService/GetOptOut": {role: privacy, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.GetOptOutRequest{Id: s.optsOut(t, s.attended(t)).GetId()}
		}},
		"OptOutService/ListOptOuts": {role: privacy, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListOptOutsRequest{PageSize: 1}
		}},
	}
}

func feedRows() map[string]baseline {
	return map[string]baseline{
		"FhirService/SubmitBundle": {make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return feed(t, puts(s.newPerson(t).patient(practice, nil)))
		}},
		"FhirService/GetCapabilityStatement": {make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.GetCapabilityStatementRequest{}
		}},
		"FhirService/ListFeedRefusals": {make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListFeedRefusalsRequest{}
		}},
	}
}

func organisationRows() map[string]baseline {
	const participating, prospective = identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING, identityv1.OrganisationState_ORGANISATION_STATE_PROSPECTIVE
	return map[string]baseline{
		"OrganisationService/ListOrganisations": {role: paramedic, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListOrganisationsRequest{}
		}},
		"OrganisationService/GetOrganisation": {role: paramedic, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.GetOrganisationRequest{OdsCode: ambulance}
		}},
		"OrganisationService/CreateOrganisation": {role: administr, make: func(s *suite, _ *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.CreateOrganisationRequest{RequestId: uuid.NewString(), Organisation: s.newOrganisation(participating)}
		}},
		"OrganisationService/UpdateOrganisation": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			o := s.opened(t, participating)
			o.Name += " and neighbours"
			return &gatewayv1.UpdateOrganisationRequest{RequestId: uuid.NewString(), OdsCode: o.GetOdsCode(), Organisation: o}
		}},
		"OrganisationService/ActivateOrganisation": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.ActivateOrganisationRequest{RequestId: uuid.NewString(), OdsCode: s.opened(t, prospective).GetOdsCode()}
		}},
		"OrganisationService/EndOrganisation": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.EndOrganisationRequest{RequestId: uuid.NewString(), OdsCode: s.opened(t, participating).GetOdsCode()}
		}},
	}
}

func staffRows() map[string]baseline {
	return map[string]baseline{
		"StaffService/ListStaff": {role: administr, make: func(*suite, *testing.T, member, person) proto.Message {
			return &gatewayv1.ListStaffRequest{PageSize: 1}
		}},
		"StaffService/GetStaff": {role: administr, make: func(_ *suite, _ *testing.T, who member, _ person) proto.Message {
			return &gatewayv1.GetStaffRequest{Id: who.id}
		}},
		"StaffService/CreateStaff": {role: administr, make: func(s *suite, _ *testing.T, _ member, _ person) proto.Message {
			subject := fmt.Sprintf("9978%08d", s.next())
			return &gatewayv1.CreateStaffRequest{RequestId: uuid.NewString(), Staff: &identityv1.Staff{
				Issuer: s.stack.IssuerURL(), Subject: subject, Name: "Created " + subject,
				Roles: []*identityv1.StaffRole{{RoleCode: paramedic, OdsCode: ambulance}},
			}}
		}},
		"StaffService/UpdateStaff": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			id := s.hire(t, paramedic, ambulance, "").id
			return &gatewayv1.UpdateStaffRequest{RequestId: uuid.NewString(), Id: id, Staff: &identityv1.Staff{Name: "Renamed", Version: 1}}
		}},
		"StaffService/AddStaffRole": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.AddStaffRoleRequest{
				RequestId: uuid.NewString(), StaffId: s.hire(t, paramedic, ambulance, "").id,
				Role: &identityv1.StaffRole{RoleCode: "R8001", OdsCode: hospital},
			}
		}},
		"StaffService/EndStaffRole": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			ended := s.hire(t, paramedic, ambulance, "")
			return &gatewayv1.EndStaffRoleRequest{RequestId: uuid.NewString(), StaffId: ended.id, RoleId: ended.roleID}
		}},
		"StaffService/EndStaff": {role: administr, make: func(s *suite, t *testing.T, _ member, _ person) proto.Message {
			return &gatewayv1.EndStaffRequest{RequestId: uuid.NewString(), StaffId: s.hire(t, paramedic, ambulance, "").id}
		}},
	}
}

// newOrganisation is one that nobody registered yet.
func (s *suite) newOrganisation(state identityv1.OrganisationState) *identityv1.Organisation {
	code := fmt.Sprintf("ZZ%05d", s.next())
	return &identityv1.Organisation{
		OdsCode: code, Name: "Surgery " + code, Kind: identityv1.OrganisationKind_ORGANISATION_KIND_GP_PRACTICE, State: state,
	}
}

// opened is one that the administrator registered.
func (s *suite) opened(t *testing.T, state identityv1.OrganisationState) *identityv1.Organisation {
	t.Helper()
	done := &gatewayv1.CreateOrganisationResponse{}
	s.ask(t, s.admin, &gatewayv1.CreateOrganisationRequest{RequestId: uuid.NewString(), Organisation: s.newOrganisation(state)}).into(t, done)
	return done.GetOrganisation()
}
