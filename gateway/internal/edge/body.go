package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// maxDepth of JSON in our own calls. The deepest message of the contract has
// three levels; a bundle is not looked at here.
const maxDepth = 16

const timestampName = "google.protobuf.Timestamp"

// walker reads a JSON body along the message that it must be. It is strict
// where JSON decoders are kind: names exactly as in the contract, each once, of
// the right type, enum values by name, and nothing after the end. What it
// refuses it names by path; it never quotes a value.
type walker struct {
	dec *json.Decoder
	// path holds the parameters of the URL, which the body may repeat and must
	// not contradict.
	path map[string]string
}

// checkJSON refuses a body that is not exactly a message of that kind.
func checkJSON(body []byte, message protoreflect.MessageDescriptor, path map[string]string) error {
	if !utf8.Valid(body) {
		return notJSON()
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	w := &walker{dec, path}
	tok, err := dec.Token()
	if err != nil {
		return notJSON()
	}
	if tok != json.Delim('{') {
		return refuse(http.StatusBadRequest, fault.Invalid(reasonJSON, "", "the body must be one JSON object"))
	}
	if err := w.object(message, "", 1); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(http.StatusBadRequest, fault.Invalid(reasonJSON, "", "the body goes on after its JSON object"))
	}
	return nil
}

func notJSON() error {
	return refuse(http.StatusBadRequest, fault.Invalid(reasonJSON, "", "the body is not JSON, or is cut off"))
}

// object reads the fields of a message after its opening brace.
func (w *walker) object(message protoreflect.MessageDescriptor, at string, depth int) error {
	if depth > maxDepth {
		return refuse(http.StatusBadRequest, fault.Invalid(reasonDeep, "", "the body is nested too deeply"))
	}
	seen := map[protoreflect.Name]bool{}
	for w.dec.More() {
		tok, err := w.dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return notJSON()
		}
		field := message.Fields().ByName(protoreflect.Name(name))
		if field == nil {
			return badField(reasonUnknown, join(at, shown(name)), "is no field of this request")
		}
		here := join(at, name)
		if seen[field.Name()] {
			return badField(reasonTwice, here, "is given twice")
		}
		seen[field.Name()] = true
		if err := w.field(field, here, depth); err != nil {
			return err
		}
	}
	return w.end()
}

// shown limits what of a made-up name is told back.
func shown(name string) string {
	const limit = 60
	for len(name) > limit {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

func (w *walker) end() error {
	if _, err := w.dec.Token(); err != nil {
		return notJSON()
	}
	return nil
}

func (w *walker) field(field protoreflect.FieldDescriptor, at string, depth int) error {
	tok, err := w.dec.Token()
	if err != nil {
		return notJSON()
	}
	if tok == nil {
		return nil // null is absent
	}
	if field.IsMap() {
		return badField(reasonArgument, at, "may not be given here")
	}
	if !field.IsList() {
		return w.value(field, tok, at, depth)
	}
	if tok != json.Delim('[') {
		return badField(reasonArgument, at, "must be a list")
	}
	for i := 0; w.dec.More(); i++ {
		tok, err := w.dec.Token()
		if err != nil {
			return notJSON()
		}
		if err := w.value(field, tok, at+"["+strconv.Itoa(i)+"]", depth+1); err != nil {
			return err
		}
	}
	return w.end()
}

func (w *walker) value(field protoreflect.FieldDescriptor, tok json.Token, at string, depth int) error {
	if m := field.Message(); m != nil && m.FullName() != timestampName {
		if tok != json.Delim('{') {
			return badField(reasonArgument, at, "must be an object")
		}
		return w.object(m, at, depth+1)
	}
	if want := scalar(field, tok); want != "" {
		return badField(reasonArgument, at, want)
	}
	if given, ok := w.path[at]; ok && tok != given {
		return badField(reasonMismatch, at, "must be the same in the path and in the body")
	}
	return nil
}

// scalar says what tok must be, and "" when it is.
func scalar(field protoreflect.FieldDescriptor, tok json.Token) string {
	text, isText := tok.(string)
	number, isNumber := tok.(json.Number)
	switch field.Kind() {
	case protoreflect.BoolKind:
		if _, ok := tok.(bool); !ok {
			return "must be true or false"
		}
	case protoreflect.Int32Kind:
		if _, err := strconv.ParseInt(number.String(), 10, 32); !isNumber || err != nil {
			return "must be a whole number"
		}
	case protoreflect.Int64Kind:
		// Answers write these as text, as proto3 JSON does, so both come back.
		if isText {
			number = json.Number(text)
		}
		if _, err := strconv.ParseInt(number.String(), 10, 64); err != nil {
			return "must be a whole number"
		}
	case protoreflect.EnumKind:
		if !isText || field.Enum().Values().ByName(protoreflect.Name(text)) == nil {
			return "must be the name of one of its values"
		}
	case protoreflect.MessageKind:
		if _, err := time.Parse(time.RFC3339Nano, text); !isText || err != nil {
			return "must be a time as RFC 3339"
		}
	default:
		if !isText {
			return "must be text"
		}
	}
	return ""
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func bytesText(n int64) string { return strconv.FormatInt(n, 10) }
