package pipeline

import (
	"net/url"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
)

const (
	// maxQuery is what of a query an event keeps, in bytes (event.proto, Event.query). The request may break
	// every limit of the contract and is an event all the same.
	maxQuery = 2048
	// maxQueryDepth of messages in a request that is a question; the contract's have two.
	maxQueryDepth = 3
	// fieldPageToken says nothing: it is a sealed place in an answer.
	fieldPageToken = "page_token"
)

// asked is what a call that reads asks for, beyond the person whom its rule names. Who searches for a name
// and finds nobody has asked all the same. Changes are left out: what they did is in their own event, and
// their fields hold free text about people.
func (a *attempt) asked() string {
	request, ok := a.request.(proto.Message)
	if !ok || a.entry.Rule.GetAccountedBy() != accessv1.Accounting_ACCOUNTING_GATEWAY {
		return ""
	}
	values := url.Values{}
	collect(values, request.ProtoReflect(), "", a.entry.Rule.GetPatientField(), 1)
	return cut(values.Encode())
}

// collect adds the fields that are set, under their names in the contract.
func collect(to url.Values, m protoreflect.Message, prefix, patientField string, depth int) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(field.Name())
		if prefix == "" && (name == patientField || name == fieldPageToken) {
			return true
		}
		if !field.IsList() {
			collectOne(to, field, v, prefix+name, depth)
			return true
		}
		for i := range v.List().Len() {
			collectOne(to, field, v.List().Get(i), prefix+name, depth)
		}
		return true
	})
}

func collectOne(to url.Values, field protoreflect.FieldDescriptor, v protoreflect.Value, name string, depth int) {
	switch field.Kind() {
	case protoreflect.BytesKind:
		// A body, which its handler reads; see Call.Asked.
	case protoreflect.EnumKind:
		if value := field.Enum().Values().ByNumber(v.Enum()); value != nil {
			to.Add(name, string(value.Name()))
			return
		}
		to.Add(name, strconv.Itoa(int(v.Enum())))
	case protoreflect.MessageKind:
		if at, ok := v.Message().Interface().(*timestamppb.Timestamp); ok {
			to.Add(name, at.AsTime().Format(time.RFC3339Nano))
			return
		}
		if depth < maxQueryDepth {
			collect(to, v.Message(), name+".", "", depth+1)
		}
	default:
		to.Add(name, v.String())
	}
}

func cut(query string) string { return query[:min(len(query), maxQuery)] }
