package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// ReasonInvalid is the reason of a request that breaks the rules of its proto.
const ReasonInvalid = "INVALID_ARGUMENT"

// maxViolations is how many wrong fields are told at once.
const maxViolations = 20

func (s *Server) validate(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	msg, ok := req.(proto.Message)
	if !ok {
		return nil, errors.New("the request is no message")
	}
	if err := s.validator.Validate(msg); err != nil {
		return nil, invalid(err)
	}
	return next(ctx, req)
}

// invalid tells which fields break which rules, in the words of the rules. A
// failure of the rules themselves is ours, and Internal.
func invalid(err error) error {
	var broken *protovalidate.ValidationError
	if !errors.As(err, &broken) {
		return fmt.Errorf("validate request: %w", err)
	}
	f := &fault.Error{Kind: fault.KindInvalid, Reason: ReasonInvalid, Text: "the request breaks the rules of its fields"}
	for _, v := range broken.Violations[:min(len(broken.Violations), maxViolations)] {
		f.Fields = append(f.Fields, fault.Field{
			Name:   protovalidate.FieldPathString(v.Proto.GetField()),
			Text:   v.Proto.GetMessage(),
			Reason: reasonOfRule(v.Proto.GetRuleId()),
		})
	}
	return f
}

// reasonOfRule turns "string.min_len" into STRING_MIN_LEN.
func reasonOfRule(id string) string {
	return strings.Map(func(r rune) rune {
		if (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') {
			return r
		}
		return '_'
	}, strings.ToUpper(id))
}

// newValidator compiles the rules of every request once, at start: a rule that
// does not compile stops the start.
func newValidator(services []string) (protovalidate.Validator, error) {
	var requests []protoreflect.MessageDescriptor
	for _, name := range services {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return nil, fmt.Errorf("find rules of %s: %w", name, err)
		}
		service, ok := d.(protoreflect.ServiceDescriptor)
		if !ok {
			return nil, fmt.Errorf("find rules of %s: it is no service", name)
		}
		for i := range service.Methods().Len() {
			requests = append(requests, service.Methods().Get(i).Input())
		}
	}
	v, err := protovalidate.New(protovalidate.WithMessageDescriptors(requests...))
	if err != nil {
		return nil, fmt.Errorf("compile validation rules: %w", err)
	}
	return v, nil
}
