package edge

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxQuery bounds how many values one parameter may have before the contract's
// own limits are looked at.
const maxQuery = 32

// checkQuery refuses parameters that the call does not have. Where the body
// carries the request there are none; elsewhere they are the fields of the
// request that do not stand in the path, by their names in the contract.
func (rt *route) checkQuery(raw string, path map[string]string) error {
	if raw == "" {
		return nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return badField(reasonArgument, "", "the query of the URL cannot be read")
	}
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names) // the same request is refused for the same field each time
	for _, name := range names {
		if err := rt.checkParameter(name, query[name], path); err != nil {
			return err
		}
	}
	return nil
}

func (rt *route) checkParameter(name string, values []string, path map[string]string) error {
	field := fieldAt(rt.input, name)
	_, inPath := path[name]
	if field == nil || inPath || rt.body != "" || (field.Message() != nil && field.Message().FullName() != timestampName) {
		return badField(reasonUnknown, shown(name), "is no parameter of this call")
	}
	if len(values) > 1 && !field.IsList() {
		return badField(reasonTwice, name, "is given twice")
	}
	if len(values) > maxQuery {
		return badField(reasonArgument, name, "is given too often")
	}
	for _, v := range values {
		if want := scalar(field, token(field, v)); want != "" {
			return badField(reasonArgument, name, want)
		}
	}
	return nil
}

// fieldAt finds a field by its name, or by the names on the way to it with dots between (FHIR's
// patient.identifier). grpc-gateway takes names in other forms too; those are no names of the contract.
func fieldAt(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	first, rest, deeper := strings.Cut(name, ".")
	field := message.Fields().ByName(protoreflect.Name(first))
	if !deeper || field == nil {
		return field
	}
	if field.Message() == nil || field.IsList() || field.Message().FullName() == timestampName {
		return nil
	}
	return fieldAt(field.Message(), rest)
}

// token is v as JSON would have it.
func token(field protoreflect.FieldDescriptor, v string) json.Token {
	switch field.Kind() {
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		return json.Number(v)
	case protoreflect.BoolKind:
		switch v {
		case "true":
			return true
		case "false":
			return false
		}
	}
	return v
}
