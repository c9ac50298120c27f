package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

const undecidedPage = 50

type undecided struct {
	gatewayv1.UnimplementedUndecidedServiceServer
	*desk
}

// ListHeldPeople shows a page of people who are new and held; each is an event.
func (u *undecided) ListHeldPeople(ctx context.Context, req *gatewayv1.ListHeldPeopleRequest) (*gatewayv1.ListHeldPeopleResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	bound := binding(c, req)
	after, err := u.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := u.held.ListHeldPeople(ctx, &optoutv1.ListHeldPeopleRequest{PageSize: sizeOr(req.GetPageSize(), undecidedPage), After: after})
	if err != nil {
		return nil, told(err)
	}
	for _, shown := range got.GetHeldPeople() {
		c.AddMatches(shown.GetNhsNumber())
	}
	return &gatewayv1.ListHeldPeopleResponse{HeldPeople: got.GetHeldPeople(), NextPageToken: u.pages.Seal(bound, got.GetNextAfter())}, nil
}

// DismissHeldPerson decides that a request does not mean a person who is new.
func (u *undecided) DismissHeldPerson(ctx context.Context, req *gatewayv1.DismissHeldPersonRequest) (*gatewayv1.DismissHeldPersonResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	_, err = u.held.DismissHeldPerson(ctx, &optoutv1.DismissHeldPersonRequest{
		RequestId: id, NhsNumber: string(c.AskedNHSNumber), OptOutId: req.GetOptOutId(), Note: req.GetNote(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonNotHeld)
	}
	return &gatewayv1.DismissHeldPersonResponse{}, nil
}

// ListUnmergedPeople shows a page of people whose numbers were parted; each is
// an event.
func (u *undecided) ListUnmergedPeople(ctx context.Context, req *gatewayv1.ListUnmergedPeopleRequest) (*gatewayv1.ListUnmergedPeopleResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	bound := binding(c, req)
	after, err := u.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := u.unlinked.ListUnlinkedPeople(ctx, &optoutv1.ListUnlinkedPeopleRequest{PageSize: sizeOr(req.GetPageSize(), undecidedPage), After: after})
	if err != nil {
		return nil, told(err)
	}
	for _, shown := range got.GetPeople() {
		c.AddMatches(shown.GetNhsNumber())
	}
	return &gatewayv1.ListUnmergedPeopleResponse{People: got.GetPeople(), NextPageToken: u.pages.Seal(bound, got.GetNextAfter())}, nil
}

// DecideUnmergedPerson decides that such a person stays sealed or is open again.
func (u *undecided) DecideUnmergedPerson(ctx context.Context, req *gatewayv1.DecideUnmergedPersonRequest) (*gatewayv1.DecideUnmergedPersonResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := u.unlinked.DecideUnlinkedPerson(ctx, &optoutv1.DecideUnlinkedPersonRequest{
		RequestId: id, NhsNumber: string(c.AskedNHSNumber), Sealed: req.GetSealed(), Note: req.GetNote(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonNothingToDecide)
	}
	return &gatewayv1.DecideUnmergedPersonResponse{ChoiceNumber: done.GetChoiceNumber(), Sealed: done.GetSealed()}, nil
}
