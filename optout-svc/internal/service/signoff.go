package service

import (
	"context"
	"strconv"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/idempotency"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

const (
	defaultBatch  = 100
	defaultExport = 200
)

// GetImport tells how far a register is. See the proto for errors.
func (i *importing) GetImport(ctx context.Context, req *optoutv1.GetImportRequest) (*optoutv1.GetImportResponse, error) {
	p, err := i.store.ProgressOf(ctx, nil, req.GetRegister())
	if err != nil {
		return nil, err
	}
	if p.Candidates == 0 {
		return nil, noImport()
	}
	return &optoutv1.GetImportResponse{
		Register: req.GetRegister(), Candidates: p.Candidates, Ready: p.Ready, Waiting: p.Open - p.Ready, Effective: p.Effective,
		Ended: p.Candidates - p.Open - p.Effective, FirstAt: stampOr(p.FirstAt), LastAt: stampOr(p.LastAt),
	}, nil
}

func noImport() error { return fault.NotFound(ReasonNoImport, "Nothing of such a register was taken.") }

// SignOffImport makes ready candidates effective, all of a batch or none. See the proto for errors.
func (i *importing) SignOffImport(ctx context.Context, req *optoutv1.SignOffImportRequest) (*optoutv1.SignOffImportResponse, error) {
	if err := checkStaff(req.GetEvent(), i.now()); err != nil {
		return nil, err
	}
	why, err := note(req.GetNote())
	if err != nil {
		return nil, err
	}
	by, err := whoOf(request.Officer, req.GetEvent())
	if err != nil {
		return nil, err
	}
	key, err := accounting.Key(ctx, req)
	if err != nil {
		return nil, err
	}
	batch, err := i.batch(ctx, req)
	if err != nil {
		return nil, err
	}
	var outcome idempotency.Outcome[*optoutv1.SignOffImportResponse]
	var done []*task
	err = i.store.InTx(ctx, func(tx *sqlx.Tx) error {
		outcome, err = idempotency.Once(ctx, tx, key, accounting.Same(req), func() (idempotency.Outcome[*optoutv1.SignOffImportResponse], error) {
			answer, tasks, err := i.signOff(ctx, tx, req, batch, by, why)
			done = tasks
			return idempotency.Outcome[*optoutv1.SignOffImportResponse]{Answer: answer, Deliver: []uuid.UUID{by.event}}, err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	committed(done...)
	i.outbox.Wake()
	if err := i.outbox.Flush(ctx, outcome.Deliver...); err != nil {
		return nil, accounting.Unaccounted(err)
	}
	return outcome.Answer, nil
}

// signable is a candidate of a batch, with what was learned of it before the transaction.
type signable struct {
	id        uuid.UUID
	nhsNumber string
	protected bool
}

// batch asks what must be known of the candidates that are signed off next.
func (i *importing) batch(ctx context.Context, req *optoutv1.SignOffImportRequest) ([]signable, error) {
	ids, err := i.store.Signable(ctx, req.GetRegister(), sizeOr(req.GetLimit(), defaultBatch))
	if err != nil {
		return nil, err
	}
	var all []signable
	for _, id := range ids {
		o, err := i.store.Get(ctx, nil, id)
		if err != nil {
			return nil, err
		}
		protected, err := i.protected(ctx, optoutv1.Requester(o.Requester), o.BirthDate, o.NHSNumber)
		if err != nil {
			return nil, err
		}
		all = append(all, signable{id: id, nhsNumber: o.NHSNumber, protected: protected})
	}
	return all, nil
}

// signOff carries a batch out. The number that the officer saw must be the number that there is.
func (i *importing) signOff(ctx context.Context, tx *sqlx.Tx, req *optoutv1.SignOffImportRequest, batch []signable, by who, why string) (*optoutv1.SignOffImportResponse, []*task, error) {
	if err := i.store.LockRegister(ctx, tx, req.GetRegister()); err != nil {
		return nil, nil, err
	}
	p, err := i.store.ProgressOf(ctx, tx, req.GetRegister())
	switch {
	case err != nil:
		return nil, nil, err
	case p.Candidates == 0:
		return nil, nil, noImport()
	case p.Ready != req.GetReady():
		return nil, nil, fault.Precondition(ReasonImport, "Another number of candidates is ready than you have seen. Look at the register again.").
			With("ready", strconv.Itoa(int(p.Ready)))
	}
	answer := &optoutv1.SignOffImportResponse{}
	var done []*task
	for _, one := range batch {
		t, err := i.signOne(ctx, tx, req, one, by, why)
		if err != nil {
			return nil, nil, err
		}
		switch request.State(t.o.State) {
		case request.Effective:
			answer.Effective++
		case request.Refused:
			answer.Duplicates++
		}
		done = append(done, t)
	}
	if p, err = i.store.ProgressOf(ctx, tx, req.GetRegister()); err != nil {
		return nil, nil, err
	}
	answer.Left = p.Ready
	return answer, done, i.accountRegister(ctx, tx, req.GetEvent(), req.GetRegister(), "signed off "+strconv.Itoa(len(batch)))
}

// signOne signs one candidate off. One that a safeguarding lead has to decide about since stays as it is.
func (i *importing) signOne(ctx context.Context, tx *sqlx.Tx, req *optoutv1.SignOffImportRequest, one signable, by who, why string) (*task, error) {
	own, err := i.ownEvent(req.GetEvent(), "opt_out.make_effective")
	if err != nil {
		return nil, err
	}
	if by, err = whoOf(by.actor, own); err != nil {
		return nil, err
	}
	t, err := i.take(ctx, tx, one.id, by)
	if err != nil {
		return nil, err
	}
	if t.o.NHSNumber != one.nhsNumber {
		return nil, moved()
	}
	if one.protected && t.o.SafeguardingAllowedAt == nil {
		t.o.ProtectedChild = true
		return t, t.save(ctx)
	}
	if err := t.decideEffect(ctx, one.protected, why); err != nil {
		return nil, err
	}
	summary := "made effective"
	if request.State(t.o.State) == request.Refused {
		summary = "refused as a duplicate"
	}
	if err := t.account(own, summary); err != nil {
		return nil, err
	}
	return t, t.save(ctx)
}

// ExportOptOuts gives who is opted out now, in the shape of an import. See the proto for errors.
func (i *importing) ExportOptOuts(ctx context.Context, req *optoutv1.ExportOptOutsRequest) (*optoutv1.ExportOptOutsResponse, error) {
	if after := req.GetAfterNhsNumber(); after != "" {
		if err := checkNumber(after); err != nil {
			return nil, fault.Invalid(ReasonPageToken, "after_nhs_number", "must be where an earlier page ended")
		}
	}
	size := sizeOr(req.GetPageSize(), defaultExport)
	found, err := i.store.Sealed(ctx, req.GetAfterNhsNumber(), size+1)
	if err != nil {
		return nil, err
	}
	resp := &optoutv1.ExportOptOutsResponse{}
	if len(found) > size {
		found = found[:size]
		resp.NextAfterNhsNumber = found[size-1].NHSNumber
	}
	for _, e := range found {
		resp.Rows = append(resp.Rows, i.exported(e))
	}
	return resp, nil
}

func (i *importing) exported(e store.Exported) *optoutv1.RegisterRow {
	return &optoutv1.RegisterRow{
		RowId: e.Reference, Choice: optoutv1.Choice_CHOICE_OUT, Channel: optoutv1.Channel(e.Channel), Evidence: e.Evidence,
		Requester: optoutv1.Requester(e.Requester), ReceivedOn: e.ReceivedAt.In(i.policy.Zone()).Format(time.DateOnly),
		Person: &optoutv1.ClaimedPerson{
			NhsNumber: e.NHSNumber, FamilyName: e.FamilyName, GivenNames: e.GivenNames, BirthDate: e.BirthDate, Postcode: e.Postcode,
		},
	}
}
