package app

import (
	"context"
	"sync"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/personname"
)

// somebody is a person whom identity-svc knows.
type somebody struct {
	number, family, born, postcode string
	address                        []string
	email                          string
}

// register is an identity-svc that knows a few people, and matches them as MatchService says.
type register struct {
	identityv1.UnimplementedMatchServiceServer
	peer
	known []somebody

	asking sync.Mutex
	asked  int
}

func newRegister() *register { return &register{} }

// enter makes somebody known.
func (r *register) enter(p somebody) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = append(r.known, p)
}

// questions are how many matches were asked for.
func (r *register) questions() int {
	r.asking.Lock()
	defer r.asking.Unlock()
	return r.asked
}

// MatchPerson finds the one who is surely meant.
func (r *register) MatchPerson(ctx context.Context, req *identityv1.MatchPersonRequest) (*identityv1.MatchPersonResponse, error) {
	r.asking.Lock()
	r.asked++
	r.asking.Unlock()
	if before, _ := r.fails(ctx); before != nil {
		return nil, before
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var meant []somebody
	for _, p := range r.known {
		agrees := personname.Fold(p.family) == personname.Fold(req.GetFamilyName()) && p.born == req.GetBirthDate() &&
			(req.GetPostcode() == "" || req.GetPostcode() == p.postcode)
		switch {
		case req.GetNhsNumber() == p.number && !agrees:
			return &identityv1.MatchPersonResponse{Outcome: identityv1.MatchOutcome_MATCH_OUTCOME_CONTRADICTORY}, nil
		case req.GetNhsNumber() == p.number, req.GetNhsNumber() == "" && agrees && req.GetPostcode() != "":
			meant = append(meant, p)
		}
	}
	switch len(meant) {
	case 0:
		return &identityv1.MatchPersonResponse{Outcome: identityv1.MatchOutcome_MATCH_OUTCOME_NONE}, nil
	case 1:
		return &identityv1.MatchPersonResponse{Outcome: identityv1.MatchOutcome_MATCH_OUTCOME_SURE, NhsNumber: meant[0].number}, nil
	default:
		return &identityv1.MatchPersonResponse{Outcome: identityv1.MatchOutcome_MATCH_OUTCOME_SEVERAL}, nil
	}
}

// GetContactDetails tells where somebody can be reached.
func (r *register) GetContactDetails(ctx context.Context, req *identityv1.GetContactDetailsRequest) (*identityv1.GetContactDetailsResponse, error) {
	if before, _ := r.fails(ctx); before != nil {
		return nil, before
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.known {
		if p.number == req.GetNhsNumber() {
			held := &identityv1.GetContactDetailsResponse{NhsNumber: p.number, Name: p.family, AddressLines: p.address, Postcode: p.postcode}
			if p.email != "" {
				held.Emails = []string{p.email}
			}
			return held, nil
		}
	}
	return nil, fault.NotFound("PATIENT_NOT_FOUND", "nobody")
}
