package service

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"

	"google.golang.org/genproto/googleapis/api/httpbody"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/auditevent"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pagetoken"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

const (
	pathAuditEvent = "/fhir/R4/AuditEvent"
	paramCount     = "_count"
	paramToken     = "page_token"
	// cursorAfter is the id after which a page begins, beside the parameters under a token's seal.
	cursorAfter = "_after"
	maxForm     = 4096
)

type fhirAudit struct {
	gatewayv1.UnimplementedFhirAuditServiceServer
	*desk
}

// SearchAuditEvents is a search by URL.
func (f *fhirAudit) SearchAuditEvents(ctx context.Context, req *gatewayv1.SearchAuditEventsRequest) (*gatewayv1.SearchAuditEventsResponse, error) {
	body, err := f.search(ctx, paramsOf(req), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &gatewayv1.SearchAuditEventsResponse{Body: body}, nil
}

// PostSearchAuditEvents is the same by a form.
func (f *fhirAudit) PostSearchAuditEvents(ctx context.Context, req *gatewayv1.PostSearchAuditEventsRequest) (*gatewayv1.PostSearchAuditEventsResponse, error) {
	params, token, err := formOf(req.GetForm().GetData())
	if err != nil {
		return nil, err
	}
	body, err := f.search(ctx, params, token)
	if err != nil {
		return nil, err
	}
	return &gatewayv1.PostSearchAuditEventsResponse{Body: body}, nil
}

// ReadAuditEvent is one event.
func (f *fhirAudit) ReadAuditEvent(ctx context.Context, req *gatewayv1.ReadAuditEventRequest) (*gatewayv1.ReadAuditEventResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := f.event(ctx, c, req.GetId())
	if err != nil {
		return nil, err
	}
	body, err := auditevent.JSON(got.GetEvent())
	if err != nil {
		return nil, err
	}
	return &gatewayv1.ReadAuditEventResponse{Body: fhirBody(body)}, nil
}

// search gives a page. A token is sealed with the parameters inside, so that the link to the next page names
// nobody, and goes with no others beside it.
func (f *fhirAudit) search(ctx context.Context, params url.Values, token string) (*httpbody.HttpBody, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	self := pathAuditEvent + "?" + params.Encode()
	if token != "" {
		self = pathAuditEvent + "?" + url.Values{paramToken: {token}}.Encode()
		if params, err = f.resume(c, params, token); err != nil {
			return nil, err
		}
	}
	after := params.Get(cursorAfter)
	params.Del(cursorAfter)
	c.Asked(params)
	asked, err := auditevent.ParseSearch(params, f.zone)
	if err != nil {
		return nil, err
	}
	c.About(nhsnumber.Number(asked.Filter.GetNhsNumber()))
	got := &auditv1.ListEventsResponse{}
	if !asked.Nothing {
		got, err = f.events.ListEvents(ctx, &auditv1.ListEventsRequest{Filter: asked.Filter, PageSize: pageSize(params), AfterId: after})
		if err != nil {
			return nil, told(err)
		}
	}
	c.Release(&auditv1.Disclosure{Entries: int32(len(got.GetEvents()))}) //nolint:gosec // a page
	body, err := auditevent.Bundle(got.GetEvents(), self, f.next(c, params, got.GetNextAfterId()))
	if err != nil {
		return nil, err
	}
	return fhirBody(body), nil
}

// resume reads the parameters under a token's seal.
func (f *fhirAudit) resume(c *pipeline.Call, beside url.Values, token string) (url.Values, error) {
	if len(beside) > 0 {
		return nil, fault.Invalid(ReasonInvalidArgument, paramToken, "must stand alone: it carries the parameters of its search")
	}
	cursor, err := f.pages.Open(searchBinding(c), token)
	if err != nil {
		return nil, err
	}
	params, err := url.ParseQuery(cursor)
	if err != nil {
		return nil, fault.Internal(errors.New("a cursor of our own cannot be read"))
	}
	return params, nil
}

// next is the URL of the page after, empty after the last.
func (f *fhirAudit) next(c *pipeline.Call, params url.Values, after string) string {
	if after == "" {
		return ""
	}
	params.Set(cursorAfter, after)
	return pathAuditEvent + "?" + url.Values{paramToken: {f.pages.Seal(searchBinding(c), params.Encode())}}.Encode()
}

// searchBinding is the same for both ways to search: the link to the next page is a GET, whichever came first.
func searchBinding(c *pipeline.Call) pagetoken.Binding {
	b := binding(c, &gatewayv1.SearchAuditEventsRequest{})
	b.Method = gatewayv1.FhirAuditService_SearchAuditEvents_FullMethodName
	return b
}

// paramsOf are the parameters of a search by URL, by their names in FHIR.
func paramsOf(req *gatewayv1.SearchAuditEventsRequest) url.Values {
	params := url.Values{}
	for name, value := range map[string]string{
		auditevent.ParamPatient: req.GetPatient().GetIdentifier(),
		auditevent.ParamAgent:   req.GetAgent().GetIdentifier(),
		auditevent.ParamOutcome: req.GetOutcome(),
		auditevent.ParamType:    req.GetType(),
		auditevent.ParamSubtype: req.GetSubtype(),
	} {
		if value != "" {
			params.Set(name, value)
		}
	}
	if len(req.GetDate()) > 0 {
		params[auditevent.ParamDate] = req.GetDate()
	}
	if n := req.GetXCount(); n != 0 {
		params.Set(paramCount, strconv.Itoa(int(n)))
	}
	return params
}

// formOf reads a form as strictly as the edge reads a URL.
func formOf(form []byte) (params url.Values, token string, err error) {
	params, err = url.ParseQuery(string(form))
	if err != nil || len(form) > maxForm {
		return nil, "", fault.Invalid(ReasonInvalidArgument, "form", "must be a form of at most 4,096 bytes")
	}
	for name, values := range params {
		known := slices.Contains(auditevent.Params(), name) || name == paramCount || name == paramToken
		switch {
		case !known:
			return nil, "", fault.Invalid(ReasonInvalidArgument, "form", "has a parameter that this search does not take")
		case len(values) > 1 && (name != auditevent.ParamDate || len(values) > 2):
			return nil, "", fault.Invalid(ReasonInvalidArgument, name, "is given too often")
		}
	}
	if v := params.Get(paramCount); v != "" {
		if n, err := strconv.Atoi(v); err != nil || n < 0 || n > maxEventsPage {
			return nil, "", fault.Invalid(ReasonInvalidArgument, paramCount, "must be a whole number up to 500")
		}
	}
	token = params.Get(paramToken)
	params.Del(paramToken)
	return params, token, nil
}

// pageSize was checked by the contract or by formOf.
func pageSize(params url.Values) int32 {
	n, err := strconv.ParseInt(params.Get(paramCount), 10, 32)
	if err != nil || n == 0 {
		return eventsPage
	}
	return int32(n)
}
