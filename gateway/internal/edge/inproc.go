package edge

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dorsetcarerecord/dcr/gateway/internal/pipeline"
	"github.com/dorsetcarerecord/dcr/gateway/internal/service"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/rpc"
)

// Local is a connection to the gateway's own services without a network. A REST
// call goes through the same interceptor as one over gRPC, and to the same
// handler. Requests and answers are handed over, neither encoded nor copied, so
// that 100 KB of record cost nothing on their way; neither side may change them
// afterwards.
type Local struct {
	chain   grpc.UnaryServerInterceptor
	methods map[string]method
}

// method is a registered method and what implements it.
type method struct {
	impl any
	desc grpc.MethodDesc
}

// NewLocal makes a Local whose calls pass chain. Register services on it as on
// a gRPC server.
func NewLocal(chain grpc.UnaryServerInterceptor) *Local {
	return &Local{chain: chain, methods: map[string]method{}}
}

// RegisterService makes the Local a grpc.ServiceRegistrar.
func (l *Local) RegisterService(desc *grpc.ServiceDesc, impl any) {
	for _, m := range desc.Methods {
		l.methods["/"+desc.ServiceName+"/"+m.MethodName] = method{impl, m}
	}
}

// Invoke makes one call. What the chain may know of it comes from the visit in
// ctx and from nowhere else: metadata that grpc-gateway made of HTTP headers
// stays behind.
func (l *Local) Invoke(ctx context.Context, name string, args, reply any, opts ...grpc.CallOption) error {
	m, ok := l.methods[name]
	if !ok {
		return fault.Internal(fmt.Errorf("local call: %s is not registered", name))
	}
	stream := &localStream{method: name}
	ctx = incoming(ctx, stream)
	resp, err := m.desc.Handler(m.impl, ctx, func(request any) error { return handOver(request, args) }, l.chain)
	for _, opt := range opts {
		if h, ok := opt.(grpc.HeaderCallOption); ok {
			*h.HeaderAddr = stream.sent()
		}
	}
	if err != nil {
		return err
	}
	return handOver(reply, resp)
}

// NewStream fails: the suite has no streams.
func (*Local) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errors.New("local call: streams are not used")
}

// incoming is ctx as a gRPC server would give it to the chain.
func incoming(ctx context.Context, stream *localStream) context.Context {
	visit := visitOf(ctx)
	md := metadata.Pairs("x-request-id", visit.requestID.String())
	if visit.authorization != "" {
		md.Set("authorization", visit.authorization)
	}
	ctx = metadata.NewIncomingContext(metadata.NewOutgoingContext(ctx, metadata.MD{}), md)
	ctx = rpc.WithRequestID(ctx, visit.requestID)
	ctx = pipeline.WithOrigin(ctx, visit.origin)
	ctx = service.WithAnswer(ctx, visit.answer)
	return grpc.NewContextWithServerTransportStream(ctx, stream)
}

// handOver makes an empty message share all parts of another one of its type.
func handOver(to, from any) error {
	into, ok1 := to.(proto.Message)
	src, ok2 := from.(proto.Message)
	if !ok1 || !ok2 || into.ProtoReflect().Type() != src.ProtoReflect().Type() {
		return fault.Internal(fmt.Errorf("local call: a %T where a %T belongs", from, to))
	}
	dst := into.ProtoReflect()
	src.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		dst.Set(fd, v)
		return true
	})
	return nil
}

// localStream collects the response metadata that the chain sets.
type localStream struct {
	method string

	mu     sync.Mutex
	header metadata.MD
}

// Method is the full method of the call.
func (s *localStream) Method() string { return s.method }

// SetHeader adds response metadata.
func (s *localStream) SetHeader(md metadata.MD) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header = metadata.Join(s.header, md)
	return nil
}

// SendHeader is SetHeader: it leaves with the answer.
func (s *localStream) SendHeader(md metadata.MD) error { return s.SetHeader(md) }

// SetTrailer drops trailers; HTTP gets none.
func (*localStream) SetTrailer(metadata.MD) error { return nil }

func (s *localStream) sent() metadata.MD {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header.Copy()
}
