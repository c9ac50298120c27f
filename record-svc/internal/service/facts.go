package service

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// FactsTaker is identity-svc's side of the feed.
type FactsTaker interface {
	ApplyFeedFacts(ctx context.Context, in *identityv1.ApplyFeedFactsRequest, opts ...grpc.CallOption) (*identityv1.ApplyFeedFactsResponse, error)
}

// deliverFacts tells identity-svc. Only its word that the message itself is wrong is final; then the
// message is parked, loudly, and later ones about the person go on: each holds the person's whole state.
func deliverFacts(ctx context.Context, identity FactsTaker, m outbox.Message) error {
	req := &identityv1.ApplyFeedFactsRequest{}
	if err := proto.Unmarshal(m.Payload, req); err != nil {
		return outbox.Refuse("UNREADABLE", fmt.Errorf("read facts: %w", err))
	}
	_, err := identity.ApplyFeedFacts(ctx, req)
	if reason := fault.ReasonOf(err); reason == "INVALID_ARGUMENT" || reason == "INVALID_NHS_NUMBER" {
		return outbox.Refuse(reason, err)
	}
	if err != nil {
		return fmt.Errorf("apply feed facts: %w", err)
	}
	return nil
}
