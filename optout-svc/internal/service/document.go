package service

import (
	"context"
	"errors"
	"slices"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// eventDocument is the step of history when a document was added. It moves nothing.
const eventDocument = "document"

// documents implements OptOutDocumentService.
type documents struct {
	optoutv1.UnimplementedOptOutDocumentServiceServer
	*core
}

// AddDocument keeps a document, by its content: the same one again is kept once, so that no request id is
// needed. See the proto for errors.
func (d *documents) AddDocument(ctx context.Context, req *optoutv1.AddDocumentRequest) (*optoutv1.AddDocumentResponse, error) {
	if err := checkStaff(req.GetEvent(), d.now()); err != nil {
		return nil, err
	}
	id, err := parseID(req.GetId())
	if err != nil {
		return nil, err
	}
	limits := d.policy.Documents()
	checked, problem := claim.CheckDocument(req.GetMediaType(), req.GetContent(), claim.Limits{MaxBytes: limits.MaxBytes, Types: limits.Types})
	if problem != nil {
		return nil, fault.Invalid(string(problem.Reason), problem.Field, problem.Text)
	}
	by, err := whoOf(request.Officer, req.GetEvent())
	if err != nil {
		return nil, err
	}
	var done *task
	err = d.store.InTx(ctx, func(tx *sqlx.Tx) error {
		t, err := d.take(ctx, tx, id, by)
		if err != nil {
			return err
		}
		done = t
		return t.add(ctx, checked, req.GetContent(), limits.PerRequest, req.GetEvent())
	})
	if err != nil {
		return nil, err
	}
	committed(done)
	if err := d.outbox.Flush(ctx, by.event); err != nil {
		return nil, accounting.Unaccounted(err)
	}
	return d.added(ctx, done.o, checked.SHA256)
}

// add keeps a document with a request that has not come to its end. One that is there already stays the one
// that it was, and the attempt is accounted for all the same.
func (t *task) add(ctx context.Context, doc claim.Document, content []byte, most int, ec *auditv1.EventContext) error {
	kept, err := t.store.Documents(ctx, t.tx, t.o.ID)
	if err != nil {
		return err
	}
	there := slices.ContainsFunc(kept, func(d store.Document) bool { return d.SHA256 == doc.SHA256 })
	switch {
	case there:
	case request.State(t.o.State).Final():
		return fault.Precondition(string(request.ReasonClosed), "This request is closed: make a new one.")
	case len(kept) >= most:
		return fault.Precondition(ReasonManyDocs, "This request has as many documents as it may have.")
	default:
		t.record(eventDocument, t.o.State, detail{note: doc.SHA256})
		err = t.store.InsertDocument(ctx, t.tx, store.Document{
			OptOutID: t.o.ID, SHA256: doc.SHA256, MediaType: doc.Type, Size: doc.Size, Content: content,
			StaffID: t.by.staff.ID, StaffDisplay: t.by.staff.Display, AddedAt: t.at,
		})
		if err != nil {
			return err
		}
	}
	if err := t.account(ec, "document "+doc.SHA256+" added"); err != nil {
		return err
	}
	return t.save(ctx)
}

// added is the answer to AddDocument.
func (d *documents) added(ctx context.Context, o store.OptOut, sha256 string) (*optoutv1.AddDocumentResponse, error) {
	all, err := d.store.Documents(ctx, nil, o.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(d store.Document) bool { return d.SHA256 == sha256 })
	if i < 0 {
		return nil, fault.Internal(errors.New("a document that was kept is not there"))
	}
	whole, err := d.load(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	return &optoutv1.AddDocumentResponse{Document: encodeDocument(all[i]), OptOut: whole}, nil
}

// GetDocument returns a document. See the proto for errors.
func (d *documents) GetDocument(ctx context.Context, req *optoutv1.GetDocumentRequest) (*optoutv1.GetDocumentResponse, error) {
	o, err := d.find(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	doc, err := d.store.Document(ctx, o.ID, req.GetSha256())
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.NotFound(ReasonDocument, "There is no such document with this request.")
	}
	if err != nil {
		return nil, err
	}
	return &optoutv1.GetDocumentResponse{Document: encodeDocument(doc), Content: doc.Content, NhsNumber: o.NHSNumber}, nil
}
