package bundle

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// request is what an entry asks for.
type request struct {
	Method          fhir.Text
	URL             fhir.Text `json:"url"`
	IfNoneExist     fhir.Text
	IfMatch         fhir.Text
	IfNoneMatch     fhir.Text
	IfModifiedSince fhir.Text
}

// entry is one entry whose request is understood.
type entry struct {
	index       int
	fullURL     string
	verb        Verb
	ifNoneExist string
	// resourceType and id are the request's; id is empty for POST.
	resourceType string
	id           string
	raw          json.RawMessage
}

// readEntry reads one entry and checks its request.
func readEntry(data []byte, i int) (entry, *Refusal) {
	if data[0] != '{' {
		return entry{}, refuse(ReasonStructure, at(i, ""), "An entry is an object.")
	}
	one := entry{index: i}
	var asked *request
	for name, value := range fhir.Members(data) {
		var err error
		switch name {
		case "fullUrl":
			err = json.Unmarshal(value, (*fhir.Text)(&one.fullURL))
		case "resource":
			one.raw = value
		case "request":
			err = json.Unmarshal(value, &asked)
		}
		if err != nil {
			return entry{}, unreadable(fhir.AsError(err), at(i, name))
		}
	}
	if asked == nil {
		return entry{}, refuse(ReasonNoRequest, at(i, "request"), "An entry of a transaction has a request.")
	}
	if string(one.raw) == "null" {
		one.raw = nil
	}
	one.ifNoneExist = strings.TrimSpace(string(asked.IfNoneExist))
	for _, check := range []func(*request) *Refusal{one.readMethod, one.readConditions, one.readURL, one.readResource} {
		if refusal := check(asked); refusal != nil {
			return entry{}, refusal
		}
	}
	return one, nil
}

func (e *entry) readMethod(r *request) *Refusal {
	where := at(e.index, "request.method")
	e.verb = Verb(r.Method)
	switch e.verb {
	case Put, Post, Delete:
		return nil
	case "":
		return refuse(ReasonNoRequest, where, "The request has no method.")
	}
	// A method that FHIR knows is named; other text is the sender's and is not.
	if slices.Contains([]fhir.Text{"GET", "HEAD", "PATCH"}, r.Method) {
		return refuse(ReasonMethod, where, string(r.Method)+" is not taken: send PUT, POST or DELETE.")
	}
	return refuse(ReasonMethod, where, "This is no method of a transaction: send PUT, POST or DELETE.")
}

// readConditions refuses every condition but POST's ifNoneExist: a condition
// that is not evaluated must not look as if it were.
func (e *entry) readConditions(r *request) *Refusal {
	conditional := ReasonConditionalUpdate
	switch e.verb {
	case Delete:
		conditional = ReasonConditionalDelete
	case Post:
		conditional = ReasonConditionalCreate
	}
	for _, condition := range []struct {
		name  string
		value fhir.Text
	}{{"ifMatch", r.IfMatch}, {"ifNoneMatch", r.IfNoneMatch}, {"ifModifiedSince", r.IfModifiedSince}} {
		if condition.value != "" {
			return refuse(conditional, at(e.index, "request."+condition.name), "Requests with this condition are not taken.")
		}
	}
	if e.ifNoneExist != "" && e.verb != Post {
		return refuse(conditional, at(e.index, "request.ifNoneExist"), "Only POST has ifNoneExist.")
	}
	return nil
}

// readURL takes Type/id for PUT and DELETE, Type for POST.
func (e *entry) readURL(r *request) *Refusal {
	where := at(e.index, "request.url")
	url := strings.TrimPrefix(string(r.URL), "/")
	if strings.Contains(url, "?") {
		switch e.verb {
		case Put:
			return refuse(ReasonConditionalUpdate, where, "Conditional updates are not taken: name the resource as Type/id.")
		case Delete:
			return refuse(ReasonConditionalDelete, where, "Conditional deletes are not taken: name the resource as Type/id.")
		}
		return refuse(ReasonURL, where, "The URL of a POST is a resource type; put the condition in ifNoneExist.")
	}
	resourceType, id, hasID := strings.Cut(url, "/")
	if !fhir.IsType(resourceType) {
		return refuse(ReasonURL, where, "The URL does not begin with a resource type of FHIR R4.")
	}
	e.resourceType, e.id = resourceType, id
	switch {
	case e.verb == Post && hasID:
		return refuse(ReasonURL, where, "The URL of a POST is a resource type alone.")
	case e.verb != Post && !validID(id):
		return refuse(ReasonID, where, "The URL names no resource as Type/id.")
	}
	return nil
}

// maxID is longer than FHIR's 64: feeds exceed it.
const maxID = 128

// validID takes FHIR's ids, and the underscore that feeds add.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range id {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

// readResource checks that there is a resource where there must be one, and
// that it is what the URL says.
func (e *entry) readResource(*request) *Refusal {
	if e.verb == Delete {
		e.raw = nil
		return nil
	}
	if len(e.raw) == 0 {
		return refuse(ReasonNoResource, at(e.index, "resource"), "PUT and POST carry a resource.")
	}
	resourceType, id := fhir.Head(e.raw)
	where := at(e.index, "resource.resourceType")
	switch {
	case !fhir.IsType(resourceType):
		return refuse(ReasonWrongType, where, "This is no resource type of FHIR R4.")
	case resourceType != e.resourceType:
		return refuse(ReasonWrongType, where, "The resource is of another type than the request's URL says.")
	case e.verb == Put && id != e.id:
		return refuse(ReasonID, at(e.index, "resource.id"), "The resource has another id than the request's URL, or none.")
	}
	return nil
}

// supported tells whether the entry is to be ignored. Types that the record
// does not keep are refused by name unless the partner's switch is set.
func (e *entry) supported(ignore bool) (ignored bool, refusal *Refusal) {
	if section.KeepingOf(e.resourceType) != section.Unsupported {
		return false, nil
	}
	if ignore {
		return true, nil
	}
	text := "Resources of type " + e.resourceType + " are not kept by the record."
	return false, refuse(ReasonUnsupportedType, at(e.index, ""), text)
}

// change reads the resource.
func (e *entry) change(timestamp time.Time) (Change, *Refusal) {
	c := Change{
		Index: e.index, Verb: e.verb, Key: Key{Type: e.resourceType, ID: e.id}, FullURL: e.fullURL, Order: timestamp,
		Supporting: section.KeepingOf(e.resourceType) == section.Supporting,
	}
	if e.verb == Delete {
		return c, nil
	}
	resource, err := fhir.Decode(e.raw)
	if err != nil {
		return Change{}, unreadable(err, at(e.index, "resource"))
	}
	// The JSON package matches names in any case; what was checked stands.
	resource.ResourceType = fhir.Text(e.resourceType)
	c.Raw, c.Resource, c.Scan = e.raw, resource, fhir.Look(e.raw)
	c.SHA256 = fhir.DigestExact(e.raw)
	c.Content = fhir.DigestContent(e.raw)
	if !resource.Meta.LastUpdated.IsZero() {
		c.Order = resource.Meta.LastUpdated.Instant
	}
	if e.verb == Post {
		c.Key.ID = e.posted(resource, c.Content)
	}
	return c, nil
}
