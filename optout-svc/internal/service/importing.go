package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// resourceRegister names registers of older systems in audit events.
const resourceRegister = "opt_out_register"

// importing implements OptOutImportService.
type importing struct {
	optoutv1.UnimplementedOptOutImportServiceServer
	*core
}

// candidate is a row on its way in.
type candidate struct {
	row    *optoutv1.RegisterRow
	hash   []byte
	draft  store.OptOut
	result *optoutv1.RowResult
}

// ImportCandidates takes rows in as candidates. See the proto for errors.
func (i *importing) ImportCandidates(ctx context.Context, req *optoutv1.ImportCandidatesRequest) (*optoutv1.ImportCandidatesResponse, error) {
	if err := checkStaff(req.GetEvent(), i.now()); err != nil {
		return nil, err
	}
	by, err := whoOf(request.Officer, req.GetEvent())
	if err != nil {
		return nil, err
	}
	rows, err := i.candidates(req)
	if err != nil {
		return nil, err
	}
	var done []*task
	err = i.store.InTx(ctx, func(tx *sqlx.Tx) error {
		if done, err = i.takeRows(ctx, tx, req, rows, by); err != nil {
			return err
		}
		summary := fmt.Sprintf("%d of %d rows taken", len(done), len(rows))
		if req.GetDryRun() {
			summary = fmt.Sprintf("dry run of %d rows", len(rows))
		}
		return i.accountRegister(ctx, tx, req.GetEvent(), req.GetRegister(), summary)
	})
	if err != nil {
		return nil, err
	}
	committed(done...)
	i.outbox.Wake()
	if err := i.outbox.Flush(ctx, by.event); err != nil {
		return nil, accounting.Unaccounted(err)
	}
	resp := &optoutv1.ImportCandidatesResponse{}
	for _, c := range rows {
		resp.Results = append(resp.Results, c.result)
	}
	return resp, nil
}

// candidates checks all rows. A faulty one is reported and hinders no other.
func (i *importing) candidates(req *optoutv1.ImportCandidatesRequest) ([]*candidate, error) {
	seen := map[string]bool{}
	var all []*candidate
	for n, row := range req.GetRows() {
		id, err := claim.Line(row.GetRowId(), maxLine)
		if err != nil || id != row.GetRowId() || seen[id] {
			return nil, invalid(fmt.Sprintf("rows[%d].row_id", n), "must be there, plain, and of one row alone")
		}
		seen[id] = true
		encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(row)
		if err != nil {
			return nil, fmt.Errorf("encode row: %w", err)
		}
		hash := sha256.Sum256(encoded)
		c := &candidate{row: row, hash: hash[:], result: &optoutv1.RowResult{RowId: id, Outcome: optoutv1.RowOutcome_ROW_OUTCOME_TAKEN}}
		c.draft, err = i.draftRow(req.GetRegister(), row)
		if f := fault.FromStatus(err); f != nil {
			if f.Kind != fault.KindInvalid {
				return nil, err
			}
			c.result.Outcome, c.result.Reason = optoutv1.RowOutcome_ROW_OUTCOME_FAULTY, f.Reason
			c.result.Field = f.Fields[0].Name
			if why := f.Fields[0].Reason; why != "" {
				c.result.Reason = why
			}
		}
		c.draft.Register, c.draft.RowID, c.draft.RowHash = req.GetRegister(), id, c.hash
		all = append(all, c)
	}
	return all, nil
}

// draftRow makes a request of a row. It is received when the older system received it.
func (i *importing) draftRow(register string, row *optoutv1.RegisterRow) (store.OptOut, error) {
	if optoutv1.Channel_name[int32(row.GetChannel())] == "" || row.GetChannel() == optoutv1.Channel_CHANNEL_UNSPECIFIED {
		return store.OptOut{}, invalid("channel", "must be one of the channels")
	}
	if requesterOf(row.GetRequester()) == "" {
		return store.OptOut{}, invalid("requester", "must be who asked")
	}
	if row.GetPerson() == nil {
		return store.OptOut{}, invalid("person", "must be there")
	}
	if row.GetReceivedOn() == "" {
		return store.OptOut{}, invalid("received_on", "must be a date as YYYY-MM-DD")
	}
	if err := i.checkDay("received_on", row.GetReceivedOn()); err != nil {
		return store.OptOut{}, err
	}
	received, err := time.ParseInLocation(time.DateOnly, row.GetReceivedOn(), i.policy.Zone())
	if err != nil {
		return store.OptOut{}, invalid("received_on", "must be a date as YYYY-MM-DD")
	}
	evidence := row.GetEvidence()
	if evidence == "" {
		evidence = "register " + register
	}
	return i.draft(asked{
		out: wantsOut(row.GetChoice()), channel: row.GetChannel(), evidence: evidence, requester: row.GetRequester(), claimed: row.GetPerson(),
		receivedAt: timestamppb.New(received), claimField: "person.", withoutRequester: true,
	})
}

// takeRows writes the rows that were not taken before, each with its event.
func (i *importing) takeRows(ctx context.Context, tx *sqlx.Tx, req *optoutv1.ImportCandidatesRequest, rows []*candidate, by who) ([]*task, error) {
	if err := i.store.LockRegister(ctx, tx, req.GetRegister()); err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range rows {
		ids = append(ids, c.result.GetRowId())
	}
	before, err := i.store.Rows(ctx, tx, req.GetRegister(), ids)
	if err != nil {
		return nil, err
	}
	var done []*task
	for _, c := range rows {
		at := slices.IndexFunc(before, func(r store.Row) bool { return r.RowID == c.result.GetRowId() })
		switch {
		case at >= 0:
			c.repeated(before[at])
		case c.result.GetOutcome() == optoutv1.RowOutcome_ROW_OUTCOME_TAKEN && !req.GetDryRun():
			t, err := i.takeRow(ctx, tx, c, by, req.GetEvent())
			if err != nil {
				return nil, err
			}
			done = append(done, t)
		}
	}
	return done, nil
}

// repeated reports a row that was taken before.
func (c *candidate) repeated(r store.Row) {
	c.result.Outcome, c.result.Reason, c.result.Field = optoutv1.RowOutcome_ROW_OUTCOME_REPEATED, "", ""
	if !bytes.Equal(c.hash, r.RowHash) {
		c.result.Outcome = optoutv1.RowOutcome_ROW_OUTCOME_DIFFERS
	}
	c.result.OptOutId, c.result.Reference = r.ID.String(), r.Reference
}

// takeRow writes one candidate and has the system match it.
func (i *importing) takeRow(ctx context.Context, tx *sqlx.Tx, c *candidate, by who, ec *auditv1.EventContext) (*task, error) {
	own, err := i.ownEvent(ec, "opt_out.import.candidate")
	if err != nil {
		return nil, err
	}
	if by, err = whoOf(by.actor, own); err != nil {
		return nil, err
	}
	t := i.begin(tx, c.draft, by)
	if err := t.step(ctx, request.Submit, detail{}); err != nil {
		return nil, err
	}
	if err := t.proceed(); err != nil {
		return nil, err
	}
	if err := t.account(own, "taken as a candidate"); err != nil {
		return nil, err
	}
	c.result.OptOutId, c.result.Reference = c.draft.ID.String(), c.draft.Reference
	return t, t.save(ctx)
}

// ownEvent is the event of one of several changes of an attempt: by the same person, under an id of its own.
func (c *core) ownEvent(ec *auditv1.EventContext, action string) (*auditv1.EventContext, error) {
	id, err := c.newID()
	if err != nil {
		return nil, fmt.Errorf("make event id: %w", err)
	}
	own := proto.CloneOf(ec)
	own.EventId, own.Action = id.String(), action
	return own, nil
}

// accountRegister adds the event of an attempt about a whole register.
func (i *importing) accountRegister(ctx context.Context, tx *sqlx.Tx, ec *auditv1.EventContext, register, summary string) error {
	m, err := accounting.Message(accounting.Complete(ec, accounting.Change{Resource: resourceRegister, ID: register, Summary: summary}, i.moment()))
	if err != nil {
		return err
	}
	if err := outbox.Put(ctx, tx, m); err != nil {
		return fmt.Errorf("put event: %w", err)
	}
	return nil
}
