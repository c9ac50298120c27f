// Package rules reads the access rule of every exposed RPC from the contract
// (proto option dcr.access.v1.rule) and refuses a contract that has a gap or
// contradicts itself or the access policy. The gateway does not start then.
package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
)

// Entry is one exposed RPC and its rule.
type Entry struct {
	// Method is the full gRPC method, "/dcr.gateway.v1.MeService/GetMe".
	Method string
	// Rule that the contract gives it. It must not be changed.
	Rule *accessv1.Rule
	// Version of the rule: the first 16 hex digits of the SHA-256 over its encoding. Every audit event names
	// it, so that it can be told later by which rule a call was decided.
	Version string

	descriptor protoreflect.MethodDescriptor
	patient    protoreflect.FieldDescriptor
	body       protoreflect.FieldDescriptor
}

// Registry is the rules of all exposed RPCs. It is never changed after it was
// made.
type Registry struct {
	services []string
	entries  map[string]*Entry
}

// Exposed are the full names of all gRPC services of the gateway's contract,
// sorted. A gateway that registers fewer does not keep the contract.
func Exposed() []string {
	var names []string
	protoregistry.GlobalFiles.RangeFilesByPackage(
		gatewayv1.File_dcr_gateway_v1_me_service_proto.Package(),
		func(file protoreflect.FileDescriptor) bool {
			for i := range file.Services().Len() {
				names = append(names, string(file.Services().Get(i).FullName()))
			}
			return true
		})
	slices.Sort(names)
	return names
}

// New reads and checks the rules of the services that a gateway registers, by
// their full names. Every fault found is in the error: an RPC without a rule, a
// rule that contradicts itself, its request or the policy, and a permission of
// the policy that no rule asks for.
func New(policy *access.Policy, services ...string) (*Registry, error) {
	r := &Registry{services: slices.Clone(services), entries: map[string]*Entry{}}
	var faults []error
	for _, name := range services {
		methods, err := methodsOf(name)
		faults = append(faults, err)
		for _, m := range methods {
			faults = append(faults, r.add(m, policy))
		}
	}
	faults = append(faults, r.checkActions(), r.checkUnused(policy))
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("check access rules: %w", err)
	}
	return r, nil
}

// Lookup finds the entry of a full gRPC method; nil when it is not exposed.
func (r *Registry) Lookup(method string) *Entry { return r.entries[method] }

// Services are the full names that the registry was made for.
func (r *Registry) Services() []string { return slices.Clone(r.services) }

// Methods are the full names of all exposed methods, sorted.
func (r *Registry) Methods() []string {
	var all []string
	for method := range r.entries {
		all = append(all, method)
	}
	slices.Sort(all)
	return all
}

// Patient is the NHS number that a request names, as it was written; empty
// when the rule names no patient field.
func (e *Entry) Patient(request proto.Message) string {
	if e.patient == nil {
		return ""
	}
	return request.ProtoReflect().Get(e.patient).String()
}

// Body is the ready body that an answer carries, and whether this RPC answers
// with one at all.
func (e *Entry) Body(response proto.Message) ([]byte, bool) {
	if e.body == nil {
		return nil, false
	}
	body := response.ProtoReflect().Get(e.body).Message()
	return body.Get(body.Descriptor().Fields().ByName("data")).Bytes(), true
}

// For tells whether the RPC is for this audience.
func (e *Entry) For(audience accessv1.Audience) bool {
	return slices.Contains(e.Rule.GetAudiences(), audience)
}

func methodsOf(service string) ([]protoreflect.MethodDescriptor, error) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	s, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s: no gRPC service", service)
	}
	var all []protoreflect.MethodDescriptor
	for i := range s.Methods().Len() {
		all = append(all, s.Methods().Get(i))
	}
	return all, nil
}

func (r *Registry) add(m protoreflect.MethodDescriptor, policy *access.Policy) error {
	e := &Entry{Method: fullMethod(m), descriptor: m, body: bodyField(m.Output())}
	options := m.Options()
	if !proto.HasExtension(options, accessv1.E_Rule) {
		return fmt.Errorf("%s: no access rule", e.Method)
	}
	e.Rule = proto.GetExtension(options, accessv1.E_Rule).(*accessv1.Rule) //nolint:forcetypeassert // the extension's type
	version, err := versionOf(e.Rule)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Method, err)
	}
	e.Version = version
	e.patient = m.Input().Fields().ByName(protoreflect.Name(e.Rule.GetPatientField()))
	r.entries[e.Method] = e
	if err := errors.Join(checkRule(e), checkPermission(e, policy)); err != nil {
		return fmt.Errorf("%s: %w", e.Method, err)
	}
	return nil
}

// versionOf names a rule by its content.
func versionOf(rule *accessv1.Rule) (string, error) {
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(rule)
	if err != nil {
		return "", fmt.Errorf("encode rule: %w", err)
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:8]), nil
}

// fullMethod is "/package.Service/Method".
func fullMethod(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// bodyField is the field of an answer that carries ready bytes.
func bodyField(answer protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	f := answer.Fields().ByName("body")
	if f == nil || f.Message() == nil || f.Message().FullName() != "google.api.HttpBody" {
		return nil
	}
	return f
}

// serviceOf is the short name of a method's service, for documents.
func (e *Entry) serviceOf() string {
	return strings.TrimPrefix(string(e.descriptor.Parent().FullName()), "dcr.gateway.v1.")
}
