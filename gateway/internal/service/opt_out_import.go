package service

import (
	"context"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

const exportPage = 200

type optOutImport struct {
	gatewayv1.UnimplementedOptOutImportServiceServer
	*desk
}

// ImportOptOuts takes rows of an older system's register in as candidates.
func (o *optOutImport) ImportOptOuts(ctx context.Context, req *gatewayv1.ImportOptOutsRequest) (*gatewayv1.ImportOptOutsResponse, error) {
	c, err := staffCall(ctx)
	if err != nil {
		return nil, err
	}
	done, err := o.imports.ImportCandidates(ctx, &optoutv1.ImportCandidatesRequest{
		Register: req.GetRegister(), Rows: req.GetRows(), DryRun: req.GetDryRun(), Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err)
	}
	return &gatewayv1.ImportOptOutsResponse{Results: done.GetResults()}, nil
}

// GetOptOutImport tells how far a register is.
func (o *optOutImport) GetOptOutImport(ctx context.Context, req *gatewayv1.GetOptOutImportRequest) (*gatewayv1.GetOptOutImportResponse, error) {
	if _, err := callOf(ctx); err != nil {
		return nil, err
	}
	got, err := o.imports.GetImport(ctx, &optoutv1.GetImportRequest{Register: req.GetRegister()})
	if err != nil {
		return nil, told(err, reasonImportNotFound)
	}
	return &gatewayv1.GetOptOutImportResponse{Progress: got}, nil
}

// SignOffOptOutImport makes ready candidates effective, as the officer who signs.
func (o *optOutImport) SignOffOptOutImport(ctx context.Context, req *gatewayv1.SignOffOptOutImportRequest) (*gatewayv1.SignOffOptOutImportResponse, error) {
	c, id, err := change(ctx, req.GetRequestId())
	if err != nil {
		return nil, err
	}
	done, err := o.imports.SignOffImport(ctx, &optoutv1.SignOffImportRequest{
		RequestId: id, Register: req.GetRegister(), Ready: req.GetReady(), Limit: req.GetLimit(), Note: req.GetNote(),
		Event: c.EventContext(),
	})
	if err != nil {
		return nil, told(err, reasonImportNotFound, reasonImportChanged)
	}
	return &gatewayv1.SignOffOptOutImportResponse{
		Effective: done.GetEffective(), Duplicates: done.GetDuplicates(), Left: done.GetLeft(),
	}, nil
}

// ExportOptOuts shows who is opted out now; each person is an event.
func (o *optOutImport) ExportOptOuts(ctx context.Context, req *gatewayv1.ExportOptOutsRequest) (*gatewayv1.ExportOptOutsResponse, error) {
	c, err := callOf(ctx)
	if err != nil {
		return nil, err
	}
	bound := binding(c, req)
	after, err := o.pages.Open(bound, req.GetPageToken())
	if err != nil {
		return nil, err
	}
	got, err := o.imports.ExportOptOuts(ctx, &optoutv1.ExportOptOutsRequest{
		PageSize: sizeOr(req.GetPageSize(), exportPage), AfterNhsNumber: after,
	})
	if err != nil {
		return nil, told(err)
	}
	for _, shown := range got.GetRows() {
		c.AddMatches(shown.GetPerson().GetNhsNumber())
	}
	return &gatewayv1.ExportOptOutsResponse{
		Rows: got.GetRows(), NextPageToken: o.pages.Seal(bound, got.GetNextAfterNhsNumber()),
	}, nil
}
