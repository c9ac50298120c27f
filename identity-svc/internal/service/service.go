// Package service answers identity-svc's RPCs, one file per resource, and leads merges of NHS numbers. What it
// decides with is in internal/relationship, internal/search, internal/match, internal/merge and
// internal/directory; what it stores with in internal/store.
package service

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/directory"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/relationship"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// Config is what the services work with; all of it is needed.
type Config struct {
	Store *store.Store
	// Outbox delivers audit events, of accounting.Topic, and leads merges, of MergeTopic.
	Outbox *outbox.Dispatcher
	// Periods of relationships, filled.
	Periods relationship.Periods
	// Now is the clock.
	Now func() time.Time
	// NewID makes UUIDv7s.
	NewID func() (uuid.UUID, error)
}

// core is what all services share.
type core struct {
	store   *store.Store
	outbox  *outbox.Dispatcher
	periods relationship.Periods
	clock   func() time.Time
	newID   func() (uuid.UUID, error)
	codes   directory.Codes
}

// now is the clock in the precision that is stored, so that an answer is what a later reading says.
func (c *core) now() time.Time { return c.clock().UTC().Truncate(time.Microsecond) }

// Register makes the services and registers them.
func Register(r grpc.ServiceRegistrar, cfg Config) error {
	if cfg.Store == nil || cfg.Outbox == nil || cfg.Now == nil || cfg.NewID == nil {
		return errors.New("register services: Store, Outbox, Now and NewID are needed")
	}
	c := &core{store: cfg.Store, outbox: cfg.Outbox, periods: cfg.Periods, clock: cfg.Now, newID: cfg.NewID, codes: directory.NewCodes()}
	identityv1.RegisterFactsServiceServer(r, &facts{core: c})
	identityv1.RegisterPatientServiceServer(r, &patients{core: c})
	identityv1.RegisterMatchServiceServer(r, &matching{core: c})
	identityv1.RegisterMergeServiceServer(r, &merges{core: c})
	identityv1.RegisterRelationshipServiceServer(r, &relationships{core: c})
	identityv1.RegisterFeedServiceServer(r, &feed{core: c})
	identityv1.RegisterDirectoryReadServiceServer(r, &directoryReader{core: c})
	identityv1.RegisterDirectoryAdminServiceServer(r, &directoryAdmin{core: c})
	return nil
}
