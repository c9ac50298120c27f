package service

import (
	"context"
	"errors"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/search"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// patients implements PatientService.
type patients struct {
	identityv1.UnimplementedPatientServiceServer
	*core
}

// GetPatient finds one person by number.
func (p *patients) GetPatient(ctx context.Context, req *identityv1.GetPatientRequest) (*identityv1.GetPatientResponse, error) {
	number, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	found, err := p.store.Patient(ctx, number)
	if errors.Is(err, store.ErrNone) {
		return nil, patientNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &identityv1.GetPatientResponse{
		Patient: patientOf(found, p.now()), Superseded: found.NHSNumber != number,
	}, nil
}

// SearchPatients lists every match or none: a list that is cut off would be read as whole.
func (p *patients) SearchPatients(ctx context.Context, req *identityv1.SearchPatientsRequest) (*identityv1.SearchPatientsResponse, error) {
	terms, err := search.Plan(search.Query{
		NHSNumber: req.GetNhsNumber(), FamilyName: req.GetFamilyName(), GivenName: req.GetGivenName(),
		BirthDate: req.GetBirthDate(), Gender: req.GetGender(), Postcode: req.GetPostcode(), GPODSCode: req.GetGpOdsCode(),
	})
	if err != nil {
		return nil, err
	}
	found, err := p.store.SearchPatients(ctx, terms, int(req.GetMaxMatches())+1)
	if err != nil {
		return nil, err
	}
	if len(found) > int(req.GetMaxMatches()) {
		return nil, fault.Precondition("SEARCH_TOO_WIDE", "Too many people match. Give more detail.")
	}
	now, resp := p.now(), &identityv1.SearchPatientsResponse{}
	for _, one := range found {
		resp.Patients = append(resp.Patients, patientOf(one, now))
	}
	return resp, nil
}

// parseNumber checks an NHS number of a request.
func parseNumber(field, text string) (string, error) {
	n, err := nhsnumber.Parse(text)
	if err != nil {
		return "", invalidNumber(field, err)
	}
	return string(n), nil
}
