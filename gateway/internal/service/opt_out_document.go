package service

import (
	"context"

	"google.golang.org/genproto/googleapis/api/httpbody"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

type optOutDocument struct {
	gatewayv1.UnimplementedOptOutDocumentServiceServer
	*desk
}

// AddOptOutDocument keeps a document. What the sender calls it does not count: optout-svc looks at the bytes.
func (o *optOutDocument) AddOptOutDocument(ctx context.Context, req *gatewayv1.AddOptOutDocumentRequest) (*gatewayv1.AddOptOutDocumentResponse, error) {
	c, err := staffCall(ctx)
	if err != nil {
		return nil, err
	}
	done, err := o.documents.AddDocument(ctx, &optoutv1.AddDocumentRequest{
		Id: req.GetId(), Content: req.GetDocument().GetData(), MediaType: req.GetDocument().GetContentType(),
		Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, life(documentReasons()...)...)
	}
	return &gatewayv1.AddOptOutDocumentResponse{Document: done.GetDocument()}, nil
}

// GetOptOutDocument shows a document; its event names the person, once known.
func (o *optOutDocument) GetOptOutDocument(ctx context.Context, req *gatewayv1.GetOptOutDocumentRequest) (*gatewayv1.GetOptOutDocumentResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := o.documents.GetDocument(ctx, &optoutv1.GetDocumentRequest{Id: req.GetId(), Sha256: req.GetSha256()})
	if err != nil {
		return nil, told(err, reasonOptOutNotFound, reasonDocumentNotFound)
	}
	c.About(nhsnumber.Number(got.GetNhsNumber()))
	return &gatewayv1.GetOptOutDocumentResponse{
		Body: &httpbody.HttpBody{ContentType: got.GetDocument().GetMediaType(), Data: got.GetContent()},
	}, nil
}

// GetOptOutLetter shows a letter as it was written.
func (o *optOutDocument) GetOptOutLetter(ctx context.Context, req *gatewayv1.GetOptOutLetterRequest) (*gatewayv1.GetOptOutLetterResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := o.letters.GetLetter(ctx, &optoutv1.GetLetterRequest{
		Id: req.GetId(), LetterId: req.GetLetterId(), Rendering: req.GetRendering(),
	})
	if err != nil {
		return nil, told(err, reasonOptOutNotFound, reasonLetterNotFound)
	}
	c.About(nhsnumber.Number(got.GetNhsNumber()))
	return &gatewayv1.GetOptOutLetterResponse{
		Body: &httpbody.HttpBody{ContentType: got.GetMediaType(), Data: got.GetContent()},
	}, nil
}

// RetryOptOutLetter has a letter sent again.
func (o *optOutDocument) RetryOptOutLetter(ctx context.Context, req *gatewayv1.RetryOptOutLetterRequest) (*gatewayv1.RetryOptOutLetterResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.letters.RetryLetter(ctx, &optoutv1.RetryLetterRequest{
		RequestId: id, Id: req.GetId(), LetterId: req.GetLetterId(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonOptOutNotFound, reasonLetterNotFound, reasonLetterNotFailed)
	}
	return &gatewayv1.RetryOptOutLetterResponse{Letter: done.GetLetter()}, nil
}
