package rpc_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	validatev1 "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const (
	echoService = "dcr.test.v1.EchoService"
	echoMethod  = "/" + echoService + "/Say"
)

// TestMain registers the descriptors that generated code would register.
func TestMain(m *testing.M) {
	if err := registerEcho(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// registerEcho makes a service of one method whose request and response are a
// Words message: text of 1 to 100 characters.
func registerEcho() error {
	rules := &validatev1.FieldRules{}
	rules.SetString(validatev1.StringRules_builder{MinLen: proto.Uint64(1), MaxLen: proto.Uint64(100)}.Build())
	options := &descriptorpb.FieldOptions{}
	proto.SetExtension(options, validatev1.E_Field, rules)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name:       proto.String("dcr/test/v1/echo.proto"),
		Package:    proto.String("dcr.test.v1"),
		Syntax:     proto.String("proto3"),
		Dependency: []string{"buf/validate/validate.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Words"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("text"), JsonName: proto.String("text"), Number: proto.Int32(1), Options: options,
				Type:  descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			}},
		}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("EchoService"),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Say"), InputType: proto.String(".dcr.test.v1.Words"), OutputType: proto.String(".dcr.test.v1.Words"),
			}},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		return fmt.Errorf("describe echo service: %w", err)
	}
	return protoregistry.GlobalFiles.RegisterFile(file)
}

// echo is what the service does; the text of the request is given.
type echo func(ctx context.Context, text string) (string, error)

// say is the service as generated code would describe it.
func (e echo) desc() *grpc.ServiceDesc {
	return &grpc.ServiceDesc{
		ServiceName: echoService,
		Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: func(_ any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			in := words("")
			if err := decode(in); err != nil {
				return nil, err
			}
			return chain(ctx, in, &grpc.UnaryServerInfo{FullMethod: echoMethod}, func(ctx context.Context, req any) (any, error) {
				text, err := e(ctx, textOf(req.(proto.Message)))
				if err != nil {
					return nil, err
				}
				return words(text), nil
			})
		}}},
	}
}

// call sends text and returns the answer.
func call(ctx context.Context, conn grpc.ClientConnInterface, text string, opts ...grpc.CallOption) (string, error) {
	out := words("")
	if err := conn.Invoke(ctx, echoMethod, words(text), out, opts...); err != nil {
		return "", err
	}
	return textOf(out), nil
}

func words(text string) *dynamicpb.Message {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName("dcr.test.v1.Words")
	if err != nil {
		panic(err)
	}
	m := dynamicpb.NewMessage(d.(protoreflect.MessageDescriptor))
	m.Set(m.Descriptor().Fields().ByName("text"), protoreflect.ValueOfString(text))
	return m
}

func textOf(m proto.Message) string {
	r := m.ProtoReflect()
	return r.Get(r.Descriptor().Fields().ByName("text")).String()
}
