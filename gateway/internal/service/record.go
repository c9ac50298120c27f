package service

import (
	"context"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const (
	entriesPage = 100
	// readLimit is how long a read of record-svc may take. It takes milliseconds; a replica that
	// hangs must not hold its callers for as long as a whole call may take.
	readLimit = 5 * time.Second
)

type record struct {
	gatewayv1.UnimplementedRecordServiceServer
	*desk
}

// GetRecord is the main job: the combined record, cut to what the decision permits.
func (r *record) GetRecord(ctx context.Context, req *gatewayv1.GetRecordRequest) (*gatewayv1.GetRecordResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := sections("sections", req.GetSections())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	got, err := r.records.GetRecord(ctx, &recordv1.GetRecordRequest{Grant: c.Grant(), Asked: asked})
	if err != nil {
		return nil, shown(err, reasonPatientNotFound)
	}
	c.Release(disclosure(got.GetManifest()))
	return &gatewayv1.GetRecordResponse{Body: view(c, "record", got.GetBody(), "")}, nil
}

// ListEntries is the same record as a flat list. Each page is a view of its own.
func (r *record) ListEntries(ctx context.Context, req *gatewayv1.ListEntriesRequest) (*gatewayv1.ListEntriesResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := sections("section", req.GetSection())
	if err != nil {
		return nil, err
	}
	bound := binding(c, req, "nhs_number")
	after, err := r.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	got, err := r.records.ListEntries(ctx, &recordv1.ListEntriesRequest{
		Grant:         c.Grant(),
		Asked:         asked,
		Since:         req.GetSince(),
		SourceOdsCode: strings.ToUpper(req.GetSource()),
		Code:          req.GetCode(),
		PageSize:      sizeOr(req.GetPageSize(), entriesPage),
		After:         after,
	})
	if err != nil {
		return nil, shown(err, reasonPatientNotFound)
	}
	c.Release(disclosure(got.GetManifest()))
	return &gatewayv1.ListEntriesResponse{Body: view(c, "page", got.GetBody(), r.pages.Seal(bound, got.GetNext()))}, nil
}

// GetEntry is one entry whole: the resource as it came, and its versions.
func (r *record) GetEntry(ctx context.Context, req *gatewayv1.GetEntryRequest) (*gatewayv1.GetEntryResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	got, err := r.records.GetEntry(ctx, &recordv1.GetEntryRequest{Grant: c.Grant(), Id: req.GetId()})
	if err != nil {
		return nil, shown(err, reasonEntryNotFound, reasonPatientNotFound)
	}
	c.Release(disclosure(got.GetManifest()))
	return &gatewayv1.GetEntryResponse{Body: view(c, "detail", got.GetBody(), "")}, nil
}

func disclosure(m *recordv1.Manifest) *auditv1.Disclosure {
	return &auditv1.Disclosure{
		Sections:       m.GetSections(),
		Entries:        m.GetEntries(),
		SourceOdsCodes: m.GetSourceOdsCodes(),
	}
}

// sections reads the names of sections, "care_plans" for SECTION_CARE_PLANS.
func sections(field string, names []string) ([]accessv1.Section, error) {
	var all []accessv1.Section
	for _, name := range names {
		s, ok := accessv1.Section_value["SECTION_"+strings.ToUpper(name)]
		if !ok || s == 0 || name != strings.ToLower(name) {
			return nil, fault.Invalid(ReasonInvalidSection, field, "must be demographics, allergies, medication, "+
				"history, care_plans, results, social_care or safeguarding")
		}
		all = append(all, accessv1.Section(s))
	}
	return all, nil
}

// view puts record-svc's ready bytes behind what the answer rests on. The bytes
// are joined, never parsed: that is what the read model is for (DESIGN.md section 7).
func view(c *pipeline.Call, name string, body []byte, next string) *httpbody.HttpBody {
	head := accessJSON(c)
	all := make([]byte, 0, len(head)+len(body)+len(next)+len(`{"access":,"":,"next_page_token":""}`)+len(name)+1)
	all = append(all, `{"access":`...)
	all = append(all, head...)
	all = append(all, `,"`...)
	all = append(all, name...)
	all = append(all, `":`...)
	all = append(all, body...)
	if next != "" {
		// A token is base64url and needs no escaping.
		all = append(all, `,"next_page_token":"`...)
		all = append(all, next...)
		all = append(all, '"')
	}
	all = append(all, '}')
	return &httpbody.HttpBody{ContentType: "application/json", Data: all}
}
