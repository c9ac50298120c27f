package app

import (
	"context"
	"maps"
	"slices"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

type fakeChoice struct {
	optoutv1.UnimplementedChoiceServiceServer
}

func (*fakeChoice) GetChoice(_ context.Context, req *optoutv1.GetChoiceRequest) (*optoutv1.GetChoiceResponse, error) {
	if req.GetNhsNumber() == optedOut {
		return &optoutv1.GetChoiceResponse{ChoiceNumber: 1, Sealed: true}, nil
	}
	return &optoutv1.GetChoiceResponse{}, nil
}

type fakeOptOuts struct {
	optoutv1.UnimplementedOptOutReadServiceServer
}

func (*fakeOptOuts) ListOptOuts(context.Context, *optoutv1.ListOptOutsRequest) (*optoutv1.ListOptOutsResponse, error) {
	return &optoutv1.ListOptOutsResponse{OptOuts: []*optoutv1.OptOut{{Id: epoch, NhsNumber: optedOut}}}, nil
}

func (*fakeOptOuts) GetOptOut(context.Context, *optoutv1.GetOptOutRequest) (*optoutv1.GetOptOutResponse, error) {
	return &optoutv1.GetOptOutResponse{OptOut: &optoutv1.OptOut{Id: epoch, NhsNumber: optedOut}}, nil
}

type fakeOptOutWrites struct {
	optoutv1.UnimplementedOptOutWriteServiceServer
}

func (*fakeOptOutWrites) RegisterOptOut(_ context.Context, req *optoutv1.RegisterOptOutRequest) (*optoutv1.RegisterOptOutResponse, error) {
	return &optoutv1.RegisterOptOutResponse{OptOut: &optoutv1.OptOut{Id: epoch, NhsNumber: req.GetNhsNumber()}}, nil
}

type fakeRecords struct {
	recordv1.UnimplementedReadServiceServer
	b *behind
}

func manifest(g *recordv1.Grant) *recordv1.Manifest {
	return &recordv1.Manifest{Sections: g.GetSections()[:1], Entries: 2, SourceOdsCodes: []string{"R0D", "RYF"}}
}

func (f *fakeRecords) GetRecord(ctx context.Context, req *recordv1.GetRecordRequest) (*recordv1.GetRecordResponse, error) {
	f.b.mu.Lock()
	hold, held, body := f.b.hold, f.b.held, f.b.record
	f.b.mu.Unlock()
	if hold != nil {
		held <- struct{}{}
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if body == nil {
		body = []byte(`{"nhs_number":"` + req.GetGrant().GetNhsNumber() + `"}`)
	}
	return &recordv1.GetRecordResponse{Body: body, Manifest: manifest(req.GetGrant())}, nil
}

func (*fakeRecords) ListEntries(_ context.Context, req *recordv1.ListEntriesRequest) (*recordv1.ListEntriesResponse, error) {
	answer := &recordv1.ListEntriesResponse{Body: []byte(`{"entries":[]}`), Manifest: manifest(req.GetGrant())}
	if req.GetAfter() == "" {
		answer.Next = "cursor-1"
	}
	return answer, nil
}

func (*fakeRecords) GetEntry(context.Context, *recordv1.GetEntryRequest) (*recordv1.GetEntryResponse, error) {
	return nil, fault.NotFound("ENTRY_NOT_FOUND", "there is no such entry")
}

type fakeFeeds struct {
	recordv1.UnimplementedFeedServiceServer
	b *behind
}

func (f *fakeFeeds) SubmitBundle(context.Context, *recordv1.SubmitBundleRequest) (*recordv1.SubmitBundleResponse, error) {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	return f.b.feed, nil
}

type fakeRefusals struct {
	recordv1.UnimplementedFeedReadServiceServer
}

func (*fakeRefusals) ListRefusals(_ context.Context, req *recordv1.ListRefusalsRequest) (*recordv1.ListRefusalsResponse, error) {
	return &recordv1.ListRefusalsResponse{Refusals: []*recordv1.FeedRefusal{{Id: epoch, SourceOdsCode: req.GetSourceOdsCode()}}}, nil
}

type fakeAppend struct {
	auditv1.UnimplementedAppendServiceServer
	b *behind
}

func (f *fakeAppend) Append(_ context.Context, req *auditv1.AppendRequest) (*auditv1.AppendResponse, error) {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	answer := &auditv1.AppendResponse{}
	for _, e := range req.GetEvents() {
		f.b.events = append(f.b.events, e)
		answer.Leaves = append(answer.Leaves, &auditv1.Leaf{EventId: e.GetId()})
	}
	return answer, nil
}

type fakeQuery struct {
	auditv1.UnimplementedQueryServiceServer
	b *behind
}

func (f *fakeQuery) ListEvents(_ context.Context, req *auditv1.ListEventsRequest) (*auditv1.ListEventsResponse, error) {
	f.b.note(req)
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	if f.b.log == nil {
		return &auditv1.ListEventsResponse{
			Events:      []*auditv1.Event{{Id: epoch, NhsNumber: req.GetFilter().GetNhsNumber(), Outcome: auditv1.Outcome_OUTCOME_REFUSED}},
			NextAfterId: epoch,
		}, nil
	}
	answer := &auditv1.ListEventsResponse{}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(f.b.log))) {
		e, of := f.b.log[id], req.GetFilter()
		at := e.GetOccurredAt().AsTime()
		switch {
		case req.GetAfterId() != "" && id >= req.GetAfterId(), of.GetNhsNumber() != "" && of.GetNhsNumber() != e.GetNhsNumber(),
			of.GetFrom() != nil && at.Before(of.GetFrom().AsTime()), of.GetTo() != nil && !at.Before(of.GetTo().AsTime()):
			continue
		case len(answer.GetEvents()) == int(req.GetPageSize()):
			answer.NextAfterId = answer.GetEvents()[len(answer.GetEvents())-1].GetId()
			return answer, nil
		}
		answer.Events = append(answer.Events, e)
		answer.Leaves = append(answer.Leaves, &auditv1.Leaf{EventId: id, Hash: []byte("leaf")})
	}
	return answer, nil
}

func (f *fakeQuery) GetEvent(_ context.Context, req *auditv1.GetEventRequest) (*auditv1.GetEventResponse, error) {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	e := f.b.log[req.GetEventId()]
	if e == nil {
		return nil, fault.NotFound("EVENT_NOT_FOUND", "none")
	}
	return &auditv1.GetEventResponse{Event: e, Leaf: &auditv1.Leaf{EventId: e.GetId(), Hash: []byte("leaf")}}, nil
}

// demographics is the first section that a paramedic sees.
const demographics = accessv1.Section_SECTION_DEMOGRAPHICS
