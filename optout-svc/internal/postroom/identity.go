package postroom

import (
	"context"
	"fmt"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// reasonUnknown is identity-svc's word for a person that it does not know.
const reasonUnknown = "PATIENT_NOT_FOUND"

// Held is what identity-svc holds of where people can be reached.
type Held struct {
	Match identityv1.MatchServiceClient
}

// Contact asks identity-svc. A restricted person's address is used for the envelope and goes nowhere else.
func (h Held) Contact(ctx context.Context, nhsNumber string) (Contact, error) {
	held, err := h.Match.GetContactDetails(ctx, &identityv1.GetContactDetailsRequest{NhsNumber: nhsNumber})
	if fault.ReasonOf(err) == reasonUnknown {
		return Contact{}, ErrNobody
	}
	if err != nil {
		return Contact{}, fmt.Errorf("get contact details: %w", err)
	}
	return Contact{
		Name: held.GetName(), Lines: held.GetAddressLines(), Postcode: held.GetPostcode(),
		Mobiles: held.GetMobiles(), Emails: held.GetEmails(), Deceased: held.GetDeceased(),
	}, nil
}
