package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/match"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/personname"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// matching implements MatchService.
type matching struct {
	identityv1.UnimplementedMatchServiceServer
	*core
}

// MatchPerson reads who could be meant in one statement, and has the rules decide.
func (m *matching) MatchPerson(ctx context.Context, req *identityv1.MatchPersonRequest) (*identityv1.MatchPersonResponse, error) {
	asked, err := askedOf(req)
	if err != nil {
		return nil, err
	}
	people, err := m.store.Meant(ctx, asked)
	if err != nil {
		return nil, err
	}
	outcome, who := match.Decide(asked, people)
	resp := &identityv1.MatchPersonResponse{Outcome: identityv1.MatchOutcome(outcome)}
	if outcome == match.Sure {
		resp.NhsNumber, resp.Deceased, resp.Restricted = who.NHSNumber, who.Deceased, who.Restricted
		resp.Superseded = asked.NHSNumber != "" && asked.NHSNumber != who.NHSNumber
	}
	return resp, nil
}

// askedOf reads a request. Its words are ours: the public's are in optout-svc.
func askedOf(req *identityv1.MatchPersonRequest) (match.Asked, error) {
	asked := match.Asked{
		FamilyName: req.GetFamilyName(), GivenName: req.GetGivenName(), BirthDate: req.GetBirthDate(), Postcode: req.GetPostcode(),
	}
	if req.GetNhsNumber() != "" {
		var err error
		if asked.NHSNumber, err = parseNumber("nhs_number", req.GetNhsNumber()); err != nil {
			return asked, err
		}
	}
	if personname.Fold(asked.FamilyName) == "" {
		return asked, invalid("family_name", "A name has letters.")
	}
	if _, err := time.Parse(time.DateOnly, asked.BirthDate); err != nil {
		return asked, invalid("birth_date", "A birth date is written YYYY-MM-DD.")
	}
	return asked, nil
}

// GetContactDetails reads where the person in force can be reached.
func (m *matching) GetContactDetails(ctx context.Context, req *identityv1.GetContactDetailsRequest) (*identityv1.GetContactDetailsResponse, error) {
	number, err := parseNumber("nhs_number", req.GetNhsNumber())
	if err != nil {
		return nil, err
	}
	c, err := m.store.Contact(ctx, number)
	if errors.Is(err, store.ErrNone) {
		return nil, patientNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &identityv1.GetContactDetailsResponse{
		NhsNumber: c.NHSNumber, Name: strings.TrimSpace(strings.Join(c.GivenNames, " ") + " " + c.FamilyName),
		AddressLines: c.AddressLines, Postcode: c.Postcode, Mobiles: c.Mobiles, Emails: c.Emails,
		Restricted: c.Restricted, Deceased: c.Deceased,
	}, nil
}
