package edge

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
)

// fhirPrefix begins every path that speaks FHIR: other media type, other form
// of error, larger bodies.
const fhirPrefix = "/fhir/"

// route is one REST binding of one RPC, as the contract has it.
type route struct {
	// template is the path as the contract writes it; it alone reaches logs,
	// spans and metrics.
	template string
	// method is the HTTP method; rpc the full gRPC method.
	method, rpc string
	// input is the request message.
	input protoreflect.MessageDescriptor
	// body is "", "*" or the field that the body fills.
	body string
	// open is true where anyone may call without a token; public where that is
	// the public, which has an allowance.
	open, public bool
}

// fhir tells whether the route speaks FHIR.
func (r *route) fhir() bool { return isFHIR(r.template) }

// raw tells whether the body is passed on as bytes, unread.
func (r *route) raw() bool {
	if r.body == "" || r.body == "*" {
		return false
	}
	field := r.input.Fields().ByName(protoreflect.Name(r.body))
	return field != nil && field.Message() != nil &&
		field.Message().FullName() == (&httpbody.HttpBody{}).ProtoReflect().Descriptor().FullName()
}

// form tells whether the body is a form: a FHIR search whose parameters stand in no URL.
func (r *route) form() bool { return r.fhir() && strings.HasSuffix(r.template, "/_search") }

// bodyMessage is the message that a JSON body must be.
func (r *route) bodyMessage() protoreflect.MessageDescriptor {
	if r.body == "*" {
		return r.input
	}
	return r.input.Fields().ByName(protoreflect.Name(r.body)).Message()
}

// table finds routes by HTTP method and the pattern that grpc-gateway matched.
type table map[string]*route

func isFHIR(path string) bool {
	return strings.HasPrefix(path, fhirPrefix) || path == strings.TrimSuffix(fhirPrefix, "/")
}

func key(method, pattern string) string { return method + " " + pattern }

// routes reads the bindings of services out of the contract itself, so that a
// new RPC needs no line here.
func routes(services []protoreflect.ServiceDescriptor) (table, error) {
	all := table{}
	for _, service := range services {
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			rule, ok := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
			if !ok || rule == nil {
				return nil, fmt.Errorf("read routes: %s has no REST binding", m.FullName())
			}
			for _, binding := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
				r, err := routeOf(m, binding)
				if err != nil {
					return nil, err
				}
				all[key(r.method, matched(r.template))] = r
			}
		}
	}
	return all, nil
}

func routeOf(m protoreflect.MethodDescriptor, rule *annotations.HttpRule) (*route, error) {
	r := &route{
		rpc:   fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name()),
		input: m.Input(),
		body:  rule.GetBody(),
		open:  invites(m, accessv1.Audience_AUDIENCE_ANYONE) || invites(m, accessv1.Audience_AUDIENCE_PUBLIC),

		public: invites(m, accessv1.Audience_AUDIENCE_PUBLIC),
	}
	switch {
	case rule.GetGet() != "":
		r.method, r.template = http.MethodGet, rule.GetGet()
	case rule.GetPost() != "":
		r.method, r.template = http.MethodPost, rule.GetPost()
	case rule.GetPut() != "":
		r.method, r.template = http.MethodPut, rule.GetPut()
	default:
		return nil, fmt.Errorf("read routes: %s is bound to a method that is not served", m.FullName())
	}
	return r, nil
}

// matches tells whether path has the form of the template. grpc-gateway does the
// matching that counts; this serves the Allow header.
func (r *route) matches(path string) bool {
	form := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(r.template), `[^/]+`)
	form = regexp.MustCompile(`\\\{\w+=\\\*\\\*\\\}`).ReplaceAllString(form, `.+`)
	return regexp.MustCompile("^" + form + "$").MatchString(path)
}

// invites tells whether a method's rule names an audience.
func invites(m protoreflect.MethodDescriptor, who accessv1.Audience) bool {
	rule, ok := proto.GetExtension(m.Options(), accessv1.E_Rule).(*accessv1.Rule)
	return ok && slices.Contains(rule.GetAudiences(), who)
}

// matched is how grpc-gateway writes a template once it is compiled.
func matched(template string) string {
	return regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(template, "{$1=*}")
}
