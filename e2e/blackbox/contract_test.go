package blackbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// method is one exposed RPC, as the contract has it.
type method struct {
	full     string // "/dcr.gateway.v1.MeService/GetMe"
	in, out  protoreflect.MessageType
	rule     *accessv1.Rule
	bindings []binding
}

// binding is one way to reach an RPC over REST.
type binding struct {
	verb, path string
	body       string // "", "*" or a field
	bytes      string // the field of the answer that is the whole body; empty when the message is
}

// for audience tells whether such callers may use the method.
func (m method) opens(a accessv1.Audience) bool { return slices.Contains(m.rule.GetAudiences(), a) }

// contract reads every RPC of the gateway from the contract's descriptors.
func contract(t *testing.T) []method {
	t.Helper()
	var all []method
	protoregistry.GlobalFiles.RangeFilesByPackage(gatewayv1.File_dcr_gateway_v1_me_service_proto.Package(),
		func(file protoreflect.FileDescriptor) bool {
			for i := range file.Services().Len() {
				service := file.Services().Get(i)
				for j := range service.Methods().Len() {
					all = append(all, methodOf(t, service.Methods().Get(j)))
				}
			}
			return true
		})
	slices.SortFunc(all, func(a, b method) int { return strings.Compare(a.full, b.full) })
	return all
}

func methodOf(t *testing.T, d protoreflect.MethodDescriptor) method {
	t.Helper()
	m := method{full: fmt.Sprintf("/%s/%s", d.Parent().FullName(), d.Name())}
	var err1, err2 error
	m.in, err1 = protoregistry.GlobalTypes.FindMessageByName(d.Input().FullName())
	m.out, err2 = protoregistry.GlobalTypes.FindMessageByName(d.Output().FullName())
	rule, hasRule := proto.GetExtension(d.Options(), accessv1.E_Rule).(*accessv1.Rule)
	http, hasHTTP := proto.GetExtension(d.Options(), annotations.E_Http).(*annotations.HttpRule)
	if err1 != nil || err2 != nil || !hasRule || rule == nil || !hasHTTP || http == nil {
		t.Fatalf("%s: %v, %v, rule %v, http %v", m.full, err1, err2, rule, http)
	}
	m.rule = rule
	for _, one := range append([]*annotations.HttpRule{http}, http.GetAdditionalBindings()...) {
		b := binding{body: one.GetBody(), bytes: one.GetResponseBody()}
		switch {
		case one.GetGet() != "":
			b.verb, b.path = "GET", one.GetGet()
		case one.GetPost() != "":
			b.verb, b.path = "POST", one.GetPost()
		case one.GetPut() != "":
			b.verb, b.path = "PUT", one.GetPut()
		default:
			t.Fatalf("%s is bound to no verb that the tests know", m.full)
		}
		m.bindings = append(m.bindings, b)
	}
	return m
}

// methodFor finds the RPC that takes a request; each has a request of its own.
func methodFor(t *testing.T, in proto.Message) method {
	t.Helper()
	for _, m := range contract(t) {
		if m.in.Descriptor().FullName() == in.ProtoReflect().Descriptor().FullName() {
			return m
		}
	}
	t.Fatalf("no RPC takes a %s", in.ProtoReflect().Descriptor().FullName())
	return method{}
}
