package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// defaultPage is the size of a page when the caller does not say.
const defaultPage = 100

// directoryReader implements DirectoryReadService.
type directoryReader struct {
	identityv1.UnimplementedDirectoryReadServiceServer
	*core
}

// ListOrganisations gives a page by ODS code.
func (d *directoryReader) ListOrganisations(ctx context.Context, req *identityv1.ListOrganisationsRequest) (*identityv1.ListOrganisationsResponse, error) {
	size := pageSize(req.GetPageSize())
	page, err := d.store.Organisations(ctx, req.GetAfterOdsCode(), size+1)
	if err != nil {
		return nil, err
	}
	resp, now := &identityv1.ListOrganisationsResponse{}, d.now()
	if len(page) > size {
		page = page[:size]
		resp.NextAfterOdsCode = page[size-1].ODSCode
	}
	for _, o := range page {
		resp.Organisations = append(resp.Organisations, organisationOf(o, now))
	}
	return resp, nil
}

// GetOrganisation gives one.
func (d *directoryReader) GetOrganisation(ctx context.Context, req *identityv1.GetOrganisationRequest) (*identityv1.GetOrganisationResponse, error) {
	o, err := d.store.Organisation(ctx, nil, req.GetOdsCode())
	if errors.Is(err, store.ErrNone) {
		return nil, organisationNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &identityv1.GetOrganisationResponse{Organisation: organisationOf(o, d.now())}, nil
}

// ListStaff gives a page by id.
func (d *directoryReader) ListStaff(ctx context.Context, req *identityv1.ListStaffRequest) (*identityv1.ListStaffResponse, error) {
	after, size := req.GetAfterId(), pageSize(req.GetPageSize())
	if after == "" {
		after = uuid.Nil.String()
	}
	if !isUUID(after) {
		return nil, invalid("after_id", "This is the id of a member of staff.")
	}
	page, err := d.store.StaffPage(ctx, req.GetOdsCode(), after, size+1)
	if err != nil {
		return nil, err
	}
	resp := &identityv1.ListStaffResponse{}
	if len(page) > size {
		page = page[:size]
		resp.NextAfterId = page[size-1].ID
	}
	for _, s := range page {
		resp.Staff = append(resp.Staff, staffOf(s))
	}
	return resp, nil
}

// GetStaff gives one, also one who left.
func (d *directoryReader) GetStaff(ctx context.Context, req *identityv1.GetStaffRequest) (*identityv1.GetStaffResponse, error) {
	if !isUUID(req.GetId()) {
		return nil, staffNotFound()
	}
	s, err := d.store.StaffByID(ctx, nil, req.GetId())
	if errors.Is(err, store.ErrNone) {
		return nil, staffNotFound()
	}
	if err != nil {
		return nil, err
	}
	return &identityv1.GetStaffResponse{Staff: staffOf(s)}, nil
}

func pageSize(wanted int32) int {
	if wanted == 0 {
		return defaultPage
	}
	return int(wanted)
}

// isUUID tells whether the database would take text as an id.
func isUUID(text string) bool {
	_, err := uuid.Parse(text)
	return err == nil && len(text) == len(uuid.Nil.String())
}
