// Package service answers record-svc's calls.
package service

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/hold"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/ingest"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/nevershared"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// Outbox delivers what must be delivered before a call is answered, and the rest soon after.
type Outbox interface {
	Flush(ctx context.Context, ids ...uuid.UUID) error
	Wake()
}

// Config is what the services are made from.
type Config struct {
	Store  *store.Store
	Outbox Outbox
	// Hold opens the records of people who are new.
	Hold *hold.Desk
	// Rules are the never-shared code sets in force.
	Rules *nevershared.Set
	Now   func() time.Time
}

// Register registers every gRPC service of record-svc.
func Register(r grpc.ServiceRegistrar, cfg Config) {
	ingester := &ingest.Ingester{Store: cfg.Store, Rules: cfg.Rules, Now: cfg.Now}
	recordv1.RegisterReadServiceServer(r, &reads{store: cfg.Store, ingester: ingester, rules: cfg.Rules, now: cfg.Now})
	recordv1.RegisterSealServiceServer(r, &seal{store: cfg.Store})
	recordv1.RegisterSafeguardingServiceServer(r, &safeguarding{store: cfg.Store})
	recordv1.RegisterMergeServiceServer(r, &merging{store: cfg.Store})
	recordv1.RegisterFeedServiceServer(r, &feed{ingester: ingester, store: cfg.Store, outbox: cfg.Outbox, hold: cfg.Hold, now: cfg.Now})
	recordv1.RegisterFeedReadServiceServer(r, &feedRead{store: cfg.Store})
}

// parseNumber checks an NHS number that the gateway sent.
func parseNumber(text, field string) (nhsnumber.Number, error) {
	number, err := nhsnumber.Parse(text)
	if err != nil {
		return "", invalidNumber(field)
	}
	return number, nil
}
