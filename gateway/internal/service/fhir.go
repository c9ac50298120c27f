package service

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"google.golang.org/genproto/googleapis/api/httpbody"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const (
	typeFHIR     = "application/fhir+json"
	refusalsPage = 50
)

type fhir struct {
	gatewayv1.UnimplementedFhirServiceServer
	*desk
}

// SubmitBundle hands a partner's bundle to record-svc, with the sender as our
// registry has it. A refused bundle is an error with record-svc's reason, which
// the pipeline accounts for like every refusal; its OperationOutcome goes to REST
// beside the error (see Answer).
func (f *fhir) SubmitBundle(ctx context.Context, req *gatewayv1.SubmitBundleRequest) (*gatewayv1.SubmitBundleResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := f.feeds.SubmitBundle(ctx, &recordv1.SubmitBundleRequest{
		Source: c.Organisation,
		Bundle: req.GetBundle().GetData(),
		Event:  c.EventContext(),
	})
	if err != nil {
		return nil, told(err)
	}
	if got.GetHttpStatus() == http.StatusOK {
		return &gatewayv1.SubmitBundleResponse{Body: fhirBody(got.GetBody())}, nil
	}
	refusal, err := refusalOf(got)
	if err != nil {
		return nil, err
	}
	if answer := answerOf(ctx); answer != nil {
		answer.Status, answer.Body = int(got.GetHttpStatus()), got.GetBody()
	}
	return nil, refusal
}

// refusalOf is record-svc's refusal as an error, in the nearest kind.
func refusalOf(got *recordv1.SubmitBundleResponse) (*fault.Error, error) {
	f := fault.Invalid(got.GetReason(), "bundle", "The bundle was refused and nothing of it was stored.")
	switch got.GetHttpStatus() {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
	case http.StatusConflict:
		f.Kind, f.Fields = fault.KindConflict, nil
	case http.StatusPreconditionFailed:
		f.Kind, f.Fields = fault.KindPrecondition, nil
	default:
		return nil, fault.Internal(fmt.Errorf("record-svc answered a bundle with status %d", got.GetHttpStatus()))
	}
	if f.Reason == "" {
		return nil, fault.Internal(fmt.Errorf("record-svc refused a bundle without a reason"))
	}
	return f.With("http_status", strconv.Itoa(int(got.GetHttpStatus()))), nil
}

// GetCapabilityStatement says what this endpoint does.
func (f *fhir) GetCapabilityStatement(context.Context, *gatewayv1.GetCapabilityStatementRequest) (*gatewayv1.GetCapabilityStatementResponse, error) {
	body, err := capability(f.version)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.GetCapabilityStatementResponse{Body: fhirBody(body)}, nil
}

// ListFeedRefusals shows a partner its own refused bundles, and administrators all.
func (f *fhir) ListFeedRefusals(ctx context.Context, req *gatewayv1.ListFeedRefusalsRequest) (*gatewayv1.ListFeedRefusalsResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	of := req.GetOdsCode()
	if c.Caller.Audience == accessv1.Audience_AUDIENCE_SYSTEM {
		own := c.Organisation.GetOdsCode()
		if own == "" || (of != "" && of != own) {
			return nil, access.AccessDenied()
		}
		of = own
	}
	bound := binding(c, req)
	after, err := f.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := f.refusals.ListRefusals(ctx, &recordv1.ListRefusalsRequest{
		SourceOdsCode: of, PageSize: sizeOr(req.GetPageSize(), refusalsPage), AfterId: after,
	})
	if err != nil {
		return nil, told(err)
	}
	return &gatewayv1.ListFeedRefusalsResponse{
		Refusals:      got.GetRefusals(),
		NextPageToken: f.pages.Seal(bound, got.GetNextAfterId()),
	}, nil
}

func fhirBody(b []byte) *httpbody.HttpBody { return &httpbody.HttpBody{ContentType: typeFHIR, Data: b} }
