package service

import (
	"context"
	"errors"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/postroom"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Every question to another service is asked before the transaction that rests on its answer, and once it is
// open the request is looked at again: no transaction spans a call (DESIGN section 6).

// meant asks identity-svc whom a claim means. number stands for the claimed one; empty keeps that.
func (c *core) meant(ctx context.Context, said store.Claim, number string) (*identityv1.MatchPersonResponse, error) {
	if number == "" {
		number = said.ClaimedNumber
	}
	found, err := c.match.MatchPerson(ctx, &identityv1.MatchPersonRequest{
		NhsNumber: number, FamilyName: said.FamilyName, GivenName: said.GivenNames, BirthDate: said.BirthDate, Postcode: said.Postcode,
	})
	if err != nil {
		return nil, unknown(err)
	}
	if found.GetOutcome() == identityv1.MatchOutcome_MATCH_OUTCOME_SURE {
		if err := checkNumber(found.GetNhsNumber()); err != nil {
			return nil, fault.Internal(errors.New("a sure match without a number"))
		}
	}
	return found, nil
}

// unknown is told when a peer that must know does not answer: nothing was decided.
func unknown(err error) error {
	return fault.Unavailable(ReasonUnavailable, "What this depends on cannot be learned now. Nothing was changed; ask again.").Because(err)
}

// protected asks whether a request is somebody else's about a child with safeguarding entries. Of a person whose
// age was never told, a parent's child is one. The answer holds for the number that was asked about.
func (c *core) protected(ctx context.Context, requester optoutv1.Requester, born, nhsNumber string) (bool, error) {
	if requester == optoutv1.Requester_REQUESTER_SELF || nhsNumber == "" {
		return false, nil
	}
	if requester != optoutv1.Requester_REQUESTER_PARENT && !c.policy.IsChild(claim.Date(born).Age(c.today())) {
		return false, nil
	}
	has, err := c.safeguarding.HasSafeguardingEntries(ctx, &recordv1.HasSafeguardingEntriesRequest{NhsNumber: nhsNumber})
	if err != nil {
		return false, unknown(err)
	}
	return has.GetHasEntries(), nil
}

// age of the person in whole years, as claimed; -1 when nothing was claimed.
func (c *core) age(o store.OptOut) int { return claim.Date(o.BirthDate).Age(c.today()) }

// reachable asks by which way a code goes to a person. It is empty when none reaches them.
func (c *core) reachable(ctx context.Context, o store.OptOut, nhsNumber string) (post.Way, error) {
	held, err := postroom.Held{Match: c.match}.Contact(ctx, nhsNumber)
	switch {
	case errors.Is(err, postroom.ErrNobody):
		return "", nil
	case err != nil:
		return "", unknown(err)
	case held.Deceased:
		return "", nil
	}
	return postroom.Best(letter.ConfirmationCode, formatOf(o.LetterFormat), held), nil
}
