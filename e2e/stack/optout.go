package stack

import (
	"context"
	"fmt"
	"time"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// The ages of the opt-out policy (optout-svc/internal/policy): below adult a parent asks, from asked on with the
// child's own word.
const (
	adult = 18
	asked = 12
)

// registerOptOuts seals the records of the people who are to be opted out, as the privacy officer: adults ask for
// themselves, children's parents for them, and where the child is known to safeguarding its officer decides.
func (s *Stack) registerOptOuts(ctx context.Context, rest *REST) error {
	officer, err := s.tokenOf(ctx, county.PrivacyOfficerCode)
	if err != nil {
		return err
	}
	people := s.cfg.County.Tagged(county.TagOptedOut)
	for i, p := range people {
		in, err := s.wish(p, i)
		if err != nil {
			return fmt.Errorf("opt-out %d: %w", i+1, err)
		}
		if err := s.optOut(ctx, rest, officer, in); err != nil {
			return fmt.Errorf("opt-out %d: %w", i+1, err)
		}
	}
	s.say("  %d people opted out", len(people))
	return nil
}

func (s *Stack) tokenOf(ctx context.Context, roleCode string) (string, error) {
	member, err := s.staffWith(roleCode)
	if err != nil {
		return "", err
	}
	return s.StaffToken(ctx, member)
}

// wish is a person's request to opt out, by telephone.
func (s *Stack) wish(p county.Person, index int) (*gatewayv1.RegisterOptOutRequest, error) {
	born, err := time.Parse(time.DateOnly, p.BirthDate)
	if err != nil {
		return nil, err
	}
	call := fmt.Sprintf("call DCR-%04d", index+1)
	in := &gatewayv1.RegisterOptOutRequest{
		RequestId: requestID("opt-out " + p.NHSNumber), NhsNumber: p.NHSNumber, FamilyName: p.FamilyName, BirthDate: p.BirthDate,
		Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Evidence: call, Requester: optoutv1.Requester_REQUESTER_SELF,
	}
	now := s.cfg.County.Made
	if born.AddDate(adult, 0, 0).Before(now) {
		return in, nil
	}
	in.RequestId, in.Requester = requestID("opt-out by a parent "+p.NHSNumber), optoutv1.Requester_REQUESTER_PARENT
	in.AskedBy = &optoutv1.RequesterDetails{
		FamilyName: p.FamilyName, GivenNames: "Parent", BirthDate: born.AddDate(-30, 0, 0).Format(time.DateOnly), Relation: "parent",
	}
	in.EvidenceItems = []*optoutv1.EvidenceItem{
		{Kind: "call_reference", Note: call}, {Kind: "identity_questions", Note: "address and GP, answered rightly"},
		{Kind: "taken_by", Note: "the helpline"}, {Kind: "birth_certificate", Note: "seen"}, {Kind: "proof_of_requester", Note: "a bank letter"},
	}
	if born.AddDate(asked, 0, 0).Before(now) {
		in.EvidenceItems = append(in.EvidenceItems, &optoutv1.EvidenceItem{Kind: "child_asked", Note: "agrees", SeenOn: now.Format(time.DateOnly)})
	}
	return in, nil
}

// optOut takes a request as far as its effect.
func (s *Stack) optOut(ctx context.Context, rest *REST, officer string, in *gatewayv1.RegisterOptOutRequest) error {
	answer, err := rest.Post(ctx, "/v1/opt-outs", officer, in)
	if err != nil {
		return err
	}
	if answer.Reason() == "ALREADY_OPTED_OUT" {
		return nil
	}
	if err := answer.Err(); err != nil {
		return err
	}
	out := &gatewayv1.RegisterOptOutResponse{}
	if err := protojson.Unmarshal(answer.Body, out); err != nil {
		return err
	}
	if out.GetOptOut().GetRequestState() == optoutv1.RequestState_REQUEST_STATE_EFFECTIVE {
		return nil
	}
	lead, err := s.tokenOf(ctx, county.SafeguardingCode)
	if err != nil {
		return err
	}
	id := out.GetOptOut().GetId()
	agreed := &gatewayv1.DecideSafeguardingRequest{
		RequestId: requestID("safeguarding " + in.GetNhsNumber()), Id: id, Note: "no harm to be expected",
		Decision: optoutv1.SafeguardingDecision_SAFEGUARDING_DECISION_AGREED,
	}
	if err := post(ctx, rest, "/v1/opt-outs/"+id+":decideSafeguarding", lead, agreed, "REQUEST_CLOSED"); err != nil {
		return err
	}
	effective := &gatewayv1.MakeEffectiveRequest{RequestId: requestID("effect " + in.GetNhsNumber()), Id: id}
	return post(ctx, rest, "/v1/opt-outs/"+id+":makeEffective", officer, effective, "ALREADY_OPTED_OUT")
}
