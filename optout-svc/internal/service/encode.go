package service

import (
	"slices"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/deadline"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// encode is a request in the words of the contract, without what lists leave out.
func (c *core) encode(o store.OptOut) *optoutv1.OptOut {
	made := &optoutv1.OptOut{
		Id: o.ID.String(), NhsNumber: o.NHSNumber, ChoiceNumber: o.Number, Choice: choiceNumber(o.Sealed), State: effectOf(o),
		Channel: optoutv1.Channel(o.Channel), Evidence: o.Evidence, Requester: optoutv1.Requester(o.Requester),
		ReceivedAt: stamp(o.ReceivedAt), RegisteredAt: stampOr(o.MadeAt), ConfirmedAt: stampOr(o.ConfirmedAt), Reference: o.Reference,
		RequestState: stateNumber(o.State), ChannelEvidence: c.evidenceOf(o),
		LetterFormat: optoutv1.LetterFormat(o.LetterFormat), DuplicateOf: o.DuplicateOf, RenewedAs: idOr(o.RenewedAs), Renews: idOr(o.Renews),
		PolicyVersion: o.PolicyVersion,
	}
	if f := c.factsOf(o); f.State.Pending() {
		for _, need := range request.Outstanding(f) {
			made.WaitingFor = append(made.WaitingFor, needNumber(need))
		}
	}
	c.encodeDue(o, made)
	if o.HasClaim {
		made.Claimed, made.AskedBy = claimedOf(o.Claim), askedByOf(o.Claim)
	}
	if o.StartedBy.ID != "" {
		made.StartedBy = markOf(o.StartedBy)
	}
	if o.Register != "" {
		made.Imported = &optoutv1.ImportMark{Register: o.Register, RowId: o.RowID}
	}
	return made
}

// encodeDue tells when the effect is due. Nobody asked us for what a candidate of an older register says, so
// nothing of it is due.
func (c *core) encodeDue(o store.OptOut, made *optoutv1.OptOut) {
	if o.Register != "" {
		return
	}
	due := c.deadlines().Of(o.ReceivedAt)
	made.DueAt = stamp(dueAt(due))
	if request.State(o.State).Pending() {
		standing := due.Standing(c.now())
		made.Overdue, made.NearDue = standing == deadline.Overdue, standing != deadline.InTime
	}
}

// dueAt is the last second in time.
func dueAt(d deadline.Due) time.Time { return d.Ends.Add(-time.Second) }

func needsEvidence(f request.Facts) bool {
	needs := request.Outstanding(f)
	return f.State.Pending() && (slices.Contains(needs, request.NeedEvidence) || slices.Contains(needs, request.NeedConfirmation))
}

func choiceNumber(sealed bool) optoutv1.Choice {
	if sealed {
		return optoutv1.Choice_CHOICE_OUT
	}
	return optoutv1.Choice_CHOICE_IN
}

// effectOf is how far the choice that came of a request has taken effect.
func effectOf(o store.OptOut) optoutv1.EffectState {
	if o.Number == 0 {
		return optoutv1.EffectState_EFFECT_STATE_NONE
	}
	switch (choice.Standing{Number: o.InForce}).Effect(o.Number, o.ConfirmedAt != nil) {
	case choice.Superseded:
		return optoutv1.EffectState_EFFECT_STATE_SUPERSEDED
	case choice.Confirmed:
		return optoutv1.EffectState_EFFECT_STATE_CONFIRMED
	default:
		return optoutv1.EffectState_EFFECT_STATE_REGISTERED
	}
}

// evidenceOf is the channel's evidence; of the public form, when the code came back.
func (c *core) evidenceOf(o store.OptOut) *optoutv1.ChannelEvidence {
	if o.ConfirmedByPersonAt != nil {
		return &optoutv1.ChannelEvidence{Online: &optoutv1.OnlineEvidence{ConfirmedAt: stamp(*o.ConfirmedByPersonAt)}}
	}
	return decodeEvidence(o.ChannelEvidence)
}

func claimedOf(c store.Claim) *optoutv1.ClaimedPerson {
	return &optoutv1.ClaimedPerson{
		NhsNumber: c.ClaimedNumber, FamilyName: c.FamilyName, GivenNames: c.GivenNames, BirthDate: c.BirthDate, Postcode: c.Postcode,
	}
}

func askedByOf(c store.Claim) *optoutv1.RequesterDetails {
	if c.RequesterFamilyName == "" {
		return nil
	}
	return &optoutv1.RequesterDetails{
		FamilyName: c.RequesterFamilyName, GivenNames: c.RequesterGivenNames, BirthDate: c.RequesterBirthDate,
		Relation: c.Relation, Authority: c.Authority,
	}
}

func markOf(s store.Staff) *optoutv1.StaffMark {
	return &optoutv1.StaffMark{StaffId: s.ID, Display: s.Display, RoleCode: s.RoleCode, OdsCode: s.ODSCode}
}

func encodeSteps(all []store.Step) []*optoutv1.Step {
	var made []*optoutv1.Step
	for _, s := range all {
		step := &optoutv1.Step{
			Number: int32(s.Number), At: stamp(s.At), Event: s.Event, From: stateNumber(s.From), To: stateNumber(s.To), Actor: s.Actor,
			Reason: s.Reason, Note: s.Note, PolicyVersion: s.PolicyVersion, EventId: idOr(s.EventID), RelatedId: idOr(s.RelatedID),
		}
		if s.Staff.ID != "" {
			step.By = markOf(s.Staff)
		}
		made = append(made, step)
	}
	return made
}

func encodeEvidence(all []store.Evidence) []*optoutv1.EvidenceItem {
	var made []*optoutv1.EvidenceItem
	for _, e := range all {
		made = append(made, &optoutv1.EvidenceItem{
			Kind: e.Kind, Note: e.Note, SeenOn: e.SeenOn, DocumentSha256: e.DocumentSHA256, SeenBy: e.StaffDisplay, RecordedAt: stamp(e.RecordedAt),
		})
	}
	return made
}

func encodeDocuments(all []store.Document) []*optoutv1.Document {
	var made []*optoutv1.Document
	for _, d := range all {
		made = append(made, encodeDocument(d))
	}
	return made
}

func encodeDocument(d store.Document) *optoutv1.Document {
	return &optoutv1.Document{
		Sha256: d.SHA256, MediaType: d.MediaType, Size: int64(d.Size), AddedAt: stamp(d.AddedAt), AddedBy: d.StaffDisplay,
	}
}

func encodeChoices(all []store.Choice) []*optoutv1.PersonChoice {
	var made []*optoutv1.PersonChoice
	for _, c := range all {
		made = append(made, &optoutv1.PersonChoice{
			Number: c.Number, Choice: choiceNumber(c.Sealed), MadeAt: stamp(c.MadeAt), ConfirmedAt: stampOr(c.ConfirmedAt),
			OptOutId: idOr(c.OptOutID), Cause: string(c.Cause),
		})
	}
	return made
}

func stamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t.UTC()) }

func stampOr(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return stamp(*t)
}

func idOr(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}
