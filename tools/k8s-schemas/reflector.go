package main

import (
	"fmt"
	"reflect"
	"strings"
)

// reflector turns Go types into schemas. Named structs become definitions, so that types which hold themselves end.
type reflector struct {
	words map[string][]string // of enumerations, by package path and type
	defs  map[string]any
}

// special are the types that print themselves in a way that their fields do not show.
func special() map[string]any {
	text := map[string]any{"type": "string"}
	const meta = "k8s.io/apimachinery/pkg/apis/meta/v1."
	return map[string]any{
		"k8s.io/apimachinery/pkg/api/resource.Quantity": map[string]any{
			"type": []string{"string", "number"}, "pattern": `^[+-]?[0-9]+(\.[0-9]*)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]+)?$`},
		"k8s.io/apimachinery/pkg/util/intstr.IntOrString": map[string]any{"type": []string{"integer", "string"}},
		meta + "Time":      map[string]any{"type": "string", "format": "date-time"},
		meta + "MicroTime": map[string]any{"type": "string", "format": "date-time"},
		meta + "Duration":  text,
		meta + "FieldsV1":  map[string]any{"type": "object"},
	}
}

func (r *reflector) schema(t reflect.Type) any {
	name := t.PkgPath() + "." + t.Name()
	if s, ok := special()[name]; ok {
		return s
	}
	switch t.Kind() {
	case reflect.Pointer:
		return r.schema(t.Elem())
	case reflect.Struct:
		return r.definition(t, name)
	case reflect.String:
		if words := r.words[name]; len(words) > 0 {
			return map[string]any{"enum": words}
		}
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": r.schema(t.Elem())}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": "string", "contentEncoding": "base64"}
		}
		return map[string]any{"type": "array", "items": r.schema(t.Elem())}
	}
	panic(fmt.Sprintf("no schema for %s", t))
}

// definition refers to a struct, which is described once.
func (r *reflector) definition(t reflect.Type, name string) any {
	key := strings.NewReplacer("/", ".").Replace(name)
	if _, ok := r.defs[key]; !ok {
		r.defs[key] = nil // a type that holds itself finds this
		r.defs[key] = r.object(t)
	}
	return map[string]any{"$ref": "#/$defs/" + key}
}

// object describes a struct: no other fields than its own, and those without "omitempty" must be there.
func (r *reflector) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	r.fields(t, properties, &required)
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func (r *reflector) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() || name == "managedFields":
			continue
		case name == "" && f.Anonymous:
			embedded := f.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			r.fields(embedded, properties, required)
			continue
		}
		properties[name] = r.schema(f.Type)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
	}
}
