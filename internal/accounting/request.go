package accounting

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/internal/idempotency"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// Mutation is what the requests of all changes have.
type Mutation interface {
	proto.Message
	GetRequestId() string
	GetEvent() *auditv1.EventContext
}

// Key names a request for package idempotency: all calls come from the gateway, so who is behind it
// belongs to the key, or one could fetch another's answer.
func Key(ctx context.Context, req Mutation) (idempotency.Key, error) {
	id, err := idempotency.ParseRequestID(req.GetRequestId())
	if err != nil {
		return idempotency.Key{}, err
	}
	method, ok := grpc.Method(ctx)
	if !ok {
		return idempotency.Key{}, errors.New("a mutation outside a call")
	}
	a := req.GetEvent().GetActor()
	caller := fmt.Sprintf("%s %q %q %q", rpc.Caller(ctx), a.GetStaffId(), a.GetIssuer(), a.GetSubject())
	return idempotency.Key{Caller: caller, Method: method, RequestID: id}, nil
}

// Same is the part of a request that makes it the same as another: all but the event's context, which is
// new with every attempt.
func Same(req Mutation) proto.Message {
	same := proto.Clone(req)
	same.ProtoReflect().Clear(same.ProtoReflect().Descriptor().Fields().ByName("event"))
	return same
}
