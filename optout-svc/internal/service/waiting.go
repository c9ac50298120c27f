package service

import (
	"context"
	"fmt"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/waiting"
)

// ReasonNotHeld refuses a decision about a person and a request between which nothing is open.
const ReasonNotHeld = "HELD_PERSON_NOT_FOUND"

// newPeople implements NewPersonService. Who could be meant is decided in package waiting.
type newPeople struct {
	optoutv1.UnimplementedNewPersonServiceServer
	*core
}

// CheckNewPersons compares people with the requests that wait at this moment. identity-svc knows the people
// already and requests are committed before they are matched, so a request that this does not see finds the person
// when it is matched: none falls between the two.
func (n *newPeople) CheckNewPersons(ctx context.Context, req *optoutv1.CheckNewPersonsRequest) (*optoutv1.CheckNewPersonsResponse, error) {
	people := make([]waiting.Person, len(req.GetPeople()))
	for i, p := range req.GetPeople() {
		if err := checkNumber(p.GetNhsNumber()); err != nil {
			return nil, fault.Invalid(ReasonNHSNumber, fmt.Sprintf("people[%d].nhs_number", i), "must be a valid NHS number of ten digits")
		}
		people[i] = waiting.Person{NHSNumber: p.GetNhsNumber(), FamilyName: p.GetFamilyName(), BirthDate: p.GetBirthDate(), Postcode: p.GetPostcode()}
	}
	requests, err := n.store.Waiting(ctx, people)
	if err != nil {
		return nil, err
	}
	held, err := n.hold(ctx, people, requests)
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.CheckNewPersonsResponse{Verdicts: make([]optoutv1.NewPersonVerdict, len(people))}
	for i, p := range people {
		resp.Verdicts[i] = optoutv1.NewPersonVerdict_NEW_PERSON_VERDICT_CLEAR
		if held[p.NHSNumber] {
			resp.Verdicts[i] = optoutv1.NewPersonVerdict_NEW_PERSON_VERDICT_HELD
		}
	}
	return resp, nil
}

// hold tells who is held, by number, and notes whom no one noticed before.
func (n *newPeople) hold(ctx context.Context, people []waiting.Person, requests []store.WaitingRequest) (map[string]bool, error) {
	var pairs []store.Pair
	by := map[uuid.UUID]store.WaitingRequest{}
	for _, r := range requests {
		by[r.ID] = r
		for _, p := range people {
			if waiting.May(r.Request, p) {
				pairs = append(pairs, store.Pair{NHSNumber: p.NHSNumber, OptOutID: r.ID})
			}
		}
	}
	if len(pairs) == 0 {
		return nil, nil
	}
	known, err := n.store.Noticed(ctx, pairs)
	if err != nil {
		return nil, err
	}
	held := map[string]bool{}
	var fresh []store.Pair
	for _, p := range pairs {
		dismissed, noticed := known[p]
		if !noticed {
			fresh = append(fresh, p)
		}
		held[p.NHSNumber] = held[p.NHSNumber] || !dismissed
	}
	return held, n.notice(ctx, fresh, by)
}

// notice notes that requests could mean people, each as an event, and has the system match those requests again
// that are not matched yet: now that the person is known, the match may be sure.
func (n *newPeople) notice(ctx context.Context, fresh []store.Pair, by map[uuid.UUID]store.WaitingRequest) error {
	if len(fresh) == 0 {
		return nil
	}
	err := n.store.InTx(ctx, func(tx *sqlx.Tx) error {
		if err := n.store.Notice(ctx, tx, fresh, n.moment()); err != nil {
			return err
		}
		var messages []outbox.Message
		again := map[uuid.UUID]bool{}
		for _, p := range fresh {
			event, err := n.noticed(p)
			if err != nil {
				return err
			}
			messages = append(messages, event)
			if r := by[p.OptOutID]; request.State(r.State) == request.NeedsMatching && !again[r.ID] {
				again[r.ID] = true
				proceed, err := n.proceedMessage(r.ID)
				if err != nil {
					return err
				}
				messages = append(messages, proceed)
			}
		}
		if err := outbox.Put(ctx, tx, messages...); err != nil {
			return fmt.Errorf("put messages: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	n.outbox.Wake()
	return nil
}

// noticed is the event that a new record is held for a request.
func (n *newPeople) noticed(p store.Pair) (outbox.Message, error) {
	id, err := n.newID()
	if err != nil {
		return outbox.Message{}, fmt.Errorf("make event id: %w", err)
	}
	e := systemEvent(id, "opt_out.hold_new_person", n.moment())
	e.NhsNumber = p.NHSNumber
	e.Change = &auditv1.Change{Resource: resource, Id: p.OptOutID.String(), Summary: "could mean a person who is new: held"}
	return accounting.Message(e)
}

// newPersonReview implements NewPersonReviewService.
type newPersonReview struct {
	optoutv1.UnimplementedNewPersonReviewServiceServer
	*core
}

// ListHeldPeople returns a page of people who are held.
func (n *newPersonReview) ListHeldPeople(ctx context.Context, req *optoutv1.ListHeldPeopleRequest) (*optoutv1.ListHeldPeopleResponse, error) {
	number, id, err := pairPlace(req.GetAfter())
	if err != nil {
		return nil, err
	}
	size := sizeOr(req.GetPageSize(), defaultPage)
	found, err := n.store.HeldPeople(ctx, number, id, size+1)
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.ListHeldPeopleResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfter = pairAfter(found[size-1].NHSNumber, found[size-1].OptOutID)
	}
	for _, p := range found {
		resp.HeldPeople = append(resp.HeldPeople, &optoutv1.HeldPerson{
			NhsNumber: p.NHSNumber, OptOutId: p.OptOutID.String(), Reference: p.Reference, RequestState: stateNumber(p.State),
			NoticedAt: stamp(p.NoticedAt),
		})
	}
	return resp, nil
}

// DismissHeldPerson decides that a request does not mean a person.
func (n *newPersonReview) DismissHeldPerson(ctx context.Context, req *optoutv1.DismissHeldPersonRequest) (*optoutv1.DismissHeldPersonResponse, error) {
	if err := checkNumber(req.GetNhsNumber()); err != nil {
		return nil, err
	}
	id, err := uuid.Parse(req.GetOptOutId())
	if err != nil {
		return nil, invalid("opt_out_id", "must be a UUID")
	}
	note, err := claim.Line(req.GetNote(), maxNote)
	if err != nil {
		return nil, invalid("note", err.Error())
	}
	return officerOnce(ctx, n.core, req, func(tx *sqlx.Tx) (*optoutv1.DismissHeldPersonResponse, accounting.Change, error) {
		pair := store.Pair{NHSNumber: req.GetNhsNumber(), OptOutID: id}
		done, err := n.store.Dismiss(ctx, tx, pair, n.moment(), req.GetEvent().GetActor().GetStaffId(), note)
		if err == nil && !done {
			err = fault.NotFound(ReasonNotHeld, "No such request holds this person's record.")
		}
		return &optoutv1.DismissHeldPersonResponse{}, accounting.Change{
			Resource: resource, ID: id.String(), Summary: "does not mean the person who is new", NHSNumber: req.GetNhsNumber(),
		}, err
	})
}
