// Package service answers optout-svc's RPCs, one file for each kind of call, and goes on with requests in the
// background. What may happen to a request is decided in package request, what its evidence must be in package
// policy, what a claim may say in package claim, and what a person's choices add up to in package choice.
package service

import (
	"errors"
	"time"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/dorsetcarerecord/dcr/internal/outbox"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/deadline"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// Config is what the services work with. All parts are needed.
type Config struct {
	Store  *store.Store
	Policy *policy.Policy
	// Match finds the person that a request means, Safeguarding tells whether a child has entries. While
	// either does not answer, whatever needs it is refused or waits.
	Match        identityv1.MatchServiceClient
	Safeguarding recordv1.SafeguardingServiceClient
	// Letters writes letters in the transactions of the steps that cause them.
	Letters Letters
	// Now is the clock.
	Now func() time.Time
	// NewID makes UUIDv7s.
	NewID func() (uuid.UUID, error)
}

// core is what the services share.
type core struct {
	store        *store.Store
	policy       *policy.Policy
	match        identityv1.MatchServiceClient
	safeguarding recordv1.SafeguardingServiceClient
	letters      Letters
	now          func() time.Time
	newID        func() (uuid.UUID, error)
	// outbox delivers what was put in; set by Register.
	outbox *outbox.Dispatcher
}

// Service is all that optout-svc does with requests and choices.
type Service struct{ core *core }

// New makes the service. Its Handlers go into the outbox, which Register wants in turn.
func New(cfg Config) (*Service, error) {
	if cfg.Store == nil || cfg.Policy == nil || cfg.Match == nil || cfg.Safeguarding == nil || cfg.Letters == nil || cfg.Now == nil || cfg.NewID == nil {
		return nil, errors.New("make service: all parts of its configuration are needed")
	}
	return &Service{core: &core{
		store: cfg.Store, policy: cfg.Policy, match: cfg.Match, safeguarding: cfg.Safeguarding, letters: cfg.Letters,
		now: cfg.Now, newID: cfg.NewID,
	}}, nil
}

// Handlers are what the outbox does with messages of this service: it tells record-svc of choices, and goes on
// with requests.
func (s *Service) Handlers(seal recordv1.SealServiceClient) map[string]outbox.Handler {
	return map[string]outbox.Handler{SealTopic: s.core.deliverSeal(seal), ProceedTopic: s.core.deliverProceed}
}

// Register puts every gRPC service of optout-svc on a server.
func (s *Service) Register(server grpc.ServiceRegistrar, box *outbox.Dispatcher) error {
	if box == nil {
		return errors.New("register services: an outbox is needed")
	}
	s.core.outbox = box
	c := s.core
	optoutv1.RegisterChoiceServiceServer(server, &choices{core: c})
	optoutv1.RegisterOptOutReadServiceServer(server, &reading{core: c})
	optoutv1.RegisterOptOutWriteServiceServer(server, &writing{core: c})
	optoutv1.RegisterOptOutPublicServiceServer(server, &public{core: c})
	optoutv1.RegisterOptOutDocumentServiceServer(server, &documents{core: c})
	optoutv1.RegisterOptOutImportServiceServer(server, &importing{core: c})
	optoutv1.RegisterLinkServiceServer(server, &linking{core: c})
	optoutv1.RegisterUnlinkReviewServiceServer(server, &unlinkReview{core: c})
	optoutv1.RegisterNewPersonServiceServer(server, &newPeople{core: c})
	optoutv1.RegisterNewPersonReviewServiceServer(server, &newPersonReview{core: c})
	return nil
}

// moment is now, as the database keeps it.
func (c *core) moment() time.Time { return c.now().UTC().Truncate(time.Microsecond) }

// deadlines are the policy's time limits.
func (c *core) deadlines() deadline.Rules {
	l := c.policy.Limits()
	return deadline.Rules{Days: l.EffectDays, Near: l.NearDays, Zone: c.policy.Zone()}
}
