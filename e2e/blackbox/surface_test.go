package blackbox_test

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// callLimit bounds one call.
const callLimit = 30 * time.Second

// surface is one way to make a call.
type surface struct {
	name string
	// audit is the surface's name in the audit log.
	audit string
	call  func(t *testing.T, token string, in proto.Message) result
}

// surfaces are REST on the first gateway, gRPC on the second, and, for RPCs that have one, the POST twin of
// the REST call on the second.
func (s *suite) surfaces(m method) []surface {
	all := []surface{s.overREST("rest", 0, 0), s.overGRPC(1)}
	if len(m.bindings) > 1 {
		all = append(all, s.overREST("rest twin", 1, 1))
	}
	return all
}

// ask makes a call over REST on the first gateway.
func (s *suite) ask(t *testing.T, who member, in proto.Message) result {
	t.Helper()
	return s.askAt(t, 0, who, in)
}

// askAt makes a call over REST on one of the gateways.
func (s *suite) askAt(t *testing.T, gateway int, who member, in proto.Message) result {
	t.Helper()
	return s.overREST("rest", gateway, 0).call(t, who.token, in)
}

// overREST calls by one of the RPC's bindings.
func (s *suite) overREST(name string, gateway, binding int) surface {
	return surface{name, "rest", func(t *testing.T, token string, in proto.Message) result {
		t.Helper()
		m := methodFor(t, in)
		b := m.bindings[binding]
		request := b.request(t, s.rest[gateway].BaseURL, in)
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		return s.send(t, gateway, request, b, m)
	}}
}

// send sends a REST request and reads the answer.
func (s *suite) send(t *testing.T, gateway int, request *http.Request, b binding, m method) result {
	t.Helper()
	answer, err := s.rest[gateway].Send(request)
	if err != nil {
		t.Fatalf("%s: %v", m.full, err)
	}
	r := result{
		status: answer.Status, raw: answer.Body, header: answer.Header,
		eventID: answer.Header.Get("Dcr-Event-Id"), requestID: answer.Header.Get("X-Request-Id"),
	}
	if answer.Status != http.StatusOK {
		r.readError(t, answer.Body)
		s.countUnknown(r.status)
		return r
	}
	if b.bytes == "" {
		r.message = m.out.New().Interface()
		if err := protojson.Unmarshal(answer.Body, r.message); err != nil {
			t.Fatalf("%s answers what the contract does not have: %v", m.full, err)
		}
	}
	return r
}

// request is the HTTP request of a message by this binding.
func (b binding) request(t *testing.T, base string, in proto.Message) *http.Request {
	t.Helper()
	rest := proto.Clone(in)
	path := b.path
	for field := range fieldsOf(rest) {
		name, value := "{"+string(field.Name())+"}", rest.ProtoReflect().Get(field).String()
		rests := "{" + string(field.Name()) + "=**}" // the rest of the path, slashes and all
		if strings.Contains(path, name) || strings.Contains(path, rests) {
			path = strings.ReplaceAll(strings.ReplaceAll(path, name, url.PathEscape(value)), rests, value)
			rest.ProtoReflect().Clear(field)
		}
	}
	var body []byte
	contentType := ""
	switch b.body {
	case "":
		if q := query(rest).Encode(); q != "" {
			path += "?" + q
		}
	case "*":
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(rest)
		if err != nil {
			t.Fatal(err)
		}
		body, contentType = text, "application/json"
	default:
		body, contentType = readyBody(rest, b.body).GetData(), readyBody(rest, b.body).GetContentType()
		if strings.HasSuffix(path, "/_search") {
			contentType = "application/x-www-form-urlencoded"
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), b.verb, base+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	return request
}

// fieldsOf are the fields of a message, set or not.
func fieldsOf(m proto.Message) func(func(protoreflect.FieldDescriptor) bool) {
	return func(yield func(protoreflect.FieldDescriptor) bool) {
		fields := m.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			if !yield(fields.Get(i)) {
				return
			}
		}
	}
}

func readyBytes(m proto.Message, field string) []byte { return readyBody(m, field).GetData() }

func readyBody(m proto.Message, field string) *httpbody.HttpBody {
	body, _ := m.ProtoReflect().Get(m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field))).Message().Interface().(*httpbody.HttpBody)
	return body
}

// query are the fields that are set, as parameters of a URL.
func query(m proto.Message) url.Values {
	q := url.Values{}
	for field := range fieldsOf(m) {
		if !m.ProtoReflect().Has(field) {
			continue
		}
		value, name := m.ProtoReflect().Get(field), string(field.Name())
		switch {
		case field.IsList():
			for i := range value.List().Len() {
				q.Add(name, value.List().Get(i).String())
			}
		case field.Enum() != nil:
			q.Set(name, string(field.Enum().Values().ByNumber(value.Enum()).Name()))
		case field.Message() != nil:
			at, _ := value.Message().Interface().(*timestamppb.Timestamp)
			q.Set(name, at.AsTime().Format(time.RFC3339Nano))
		default:
			q.Set(name, value.String())
		}
	}
	return q
}

// overGRPC calls over gRPC at one of the gateways.
func (s *suite) overGRPC(gateway int) surface {
	return surface{"grpc", "grpc", func(t *testing.T, token string, in proto.Message) result {
		t.Helper()
		m := methodFor(t, in)
		ctx, cancel := context.WithTimeout(t.Context(), callLimit)
		defer cancel()
		if token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		out := m.out.New().Interface()
		var header metadata.MD
		err := s.grpc[gateway].Invoke(ctx, m.full, in, out, grpc.Header(&header))
		r := result{eventID: first(header, "dcr-event-id"), requestID: first(header, "dcr-request-id")}
		r.status = httpStatus(status.Code(err))
		if err != nil {
			r.readStatus(status.Convert(err))
			s.countUnknown(r.status)
			return r
		}
		r.message = out
		if b := m.bindings[0].bytes; b != "" {
			r.raw, r.message = readyBytes(out, b), nil
		}
		return r
	}}
}

// countUnknown counts refusals of callers who are not known: the log sums them up, see tally.
func (s *suite) countUnknown(status int) {
	if status == http.StatusUnauthorized {
		s.unknown.Add(1)
	}
}
