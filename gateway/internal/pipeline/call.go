package pipeline

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// Call is one permitted attempt: what the pipeline established about it, for
// its handler. Its fields are for reading; what the handler has to say goes
// through the methods.
type Call struct {
	// EventID is the UUIDv7 of the audit event of this attempt.
	EventID string
	// OccurredAt is when the decision was made.
	OccurredAt time.Time
	// Method is the full gRPC method, "/dcr.gateway.v1.RecordService/GetRecord".
	Method string
	// Rule of the method, and Action, its name in the audit log.
	Rule   *accessv1.Rule
	Action string
	// Caller as the token says.
	Caller authn.Caller
	// RequestID and Origin of the call.
	RequestID string
	Origin    Origin

	// NHSNumber of the one person that the call is about: the number in force.
	// Empty when the call is about nobody in particular.
	NHSNumber nhsnumber.Number
	// AskedNHSNumber is the number that the request named. It differs from
	// NHSNumber when it was superseded.
	AskedNHSNumber nhsnumber.Number

	// Staff facts; nil unless the caller is a member of staff.
	Staff *identityv1.StaffFacts
	// Organisation for which the caller acts, as our registry has it; nil for anyone.
	Organisation *identityv1.Organisation
	// Patient facts; nil when the call is about nobody, or nobody is known
	// under the number. Read by the rules that permit such a call.
	Patient *identityv1.PatientFacts
	// Relationship that the decision used; nil without one.
	Relationship *identityv1.CareRelationship
	// ChoiceNumber and Sealed are the opt-out choice in force, where the rule
	// asked for it.
	ChoiceNumber int64
	Sealed       bool

	// Decision that permitted the call.
	Decision access.Decision
	// PolicyVersion that decided.
	PolicyVersion string

	traceID     string
	ruleVersion string
	would       func(method string) access.Decision

	mu         sync.Mutex
	disclosure *auditv1.Disclosure
	about      nhsnumber.Number
	matches    []string
	asked      string
}

type callKey struct{}

// From is the call that ctx belongs to. It is nil outside the pipeline, so
// that a handler that is reached some other way fails instead of answering.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// EventContext is what a service needs to account for a mutation: it
// completes it into the event of this attempt.
func (c *Call) EventContext() *auditv1.EventContext {
	return &auditv1.EventContext{
		EventId: c.EventID,
		Action:  c.Action,
		Actor:   c.actor(),
		Basis:   c.basis(),
		Origin:  c.origin(),
		Marks:   slices.Clone(c.Decision.Marks),
	}
}

// Grant is the permit in record-svc's words. Sections are those of the
// decision; record-svc checks the choice number against its own copy.
func (c *Call) Grant() *recordv1.Grant {
	return &recordv1.Grant{
		NhsNumber:       string(c.NHSNumber),
		Sections:        c.Decision.Sections,
		ChoiceNumber:    c.Decision.ChoiceNumber,
		Purpose:         c.Decision.Purpose,
		Restriction:     c.Decision.Restriction,
		GpOutsideCounty: c.Decision.GPOutsideCounty,
	}
}

// Would is the decision that the same caller would get now, on the same facts,
// from the rule of another method. For explaining access.
func (c *Call) Would(method string) access.Decision { return c.would(method) }

// Release says what the answer holds (record-svc's manifest, or the handler's
// own count). The pipeline adds the hash of the answer. A view of a record that
// does not say what it releases is refused.
func (c *Call) Release(d *auditv1.Disclosure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disclosure = d
}

// AddMatches says whom the answer shows when it shows several people (search,
// lists): each becomes an event of its own beside the one of the attempt.
func (c *Call) AddMatches(nhsNumbers ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.matches = append(c.matches, nhsNumbers...)
}

// About names the person of a call whose rule names none, once the handler
// knows it (an opt-out found by its id, an audit list narrowed to a person).
func (c *Call) About(n nhsnumber.Number) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.about = n
}

// Asked says what was asked for, as a URL query, where the request itself does not show it: a form, or
// parameters under the seal of a page token.
func (c *Call) Asked(query url.Values) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = cut(query.Encode())
}

// query is what was asked for.
func (c *Call) query() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// askedNumber is the number that the caller gave, where another one is in force.
func (c *Call) askedNumber() string {
	if c.AskedNHSNumber == c.NHSNumber {
		return ""
	}
	return string(c.AskedNHSNumber)
}

// told is what the handler said of its answer; the matches without repeats.
func (c *Call) told() (*auditv1.Disclosure, []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	matches := slices.Sorted(slices.Values(c.matches))
	return c.disclosure, slices.Compact(matches)
}

// person is the one person that the call's own event is about; may be empty.
func (c *Call) person() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.NHSNumber != "" {
		return string(c.NHSNumber)
	}
	return string(c.about)
}
