// Package service answers optout-svc's RPCs: one file for each kind of call. What a person's choices add up
// to is decided in package choice.
package service

import (
	"errors"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Reasons of refusals.
const (
	ReasonNHSNumber  = "INVALID_NHS_NUMBER"
	ReasonArgument   = "INVALID_ARGUMENT"
	ReasonPageToken  = "INVALID_PAGE_TOKEN"
	ReasonAlreadyOut = "ALREADY_OPTED_OUT"
	ReasonNotOut     = "NOT_OPTED_OUT"
	ReasonNotFound   = "OPT_OUT_NOT_FOUND"
)

// Config is what the services work with. All parts are needed.
type Config struct {
	Store  *store.Store
	Outbox *outbox.Dispatcher
	// Now is the clock.
	Now func() time.Time
	// NewID makes UUIDv7s.
	NewID func() (uuid.UUID, error)
}

// core is what the services share.
type core struct {
	store  *store.Store
	outbox *outbox.Dispatcher
	now    func() time.Time
	newID  func() (uuid.UUID, error)
}

// Register puts every gRPC service of optout-svc on a server.
func Register(server grpc.ServiceRegistrar, cfg Config) error {
	if cfg.Store == nil || cfg.Outbox == nil || cfg.Now == nil || cfg.NewID == nil {
		return errors.New("register services: Store, Outbox, Now and NewID are needed")
	}
	c := &core{store: cfg.Store, outbox: cfg.Outbox, now: cfg.Now, newID: cfg.NewID}
	optoutv1.RegisterChoiceServiceServer(server, &choices{core: c})
	optoutv1.RegisterOptOutReadServiceServer(server, &reading{core: c})
	optoutv1.RegisterOptOutWriteServiceServer(server, &writing{core: c})
	return nil
}
