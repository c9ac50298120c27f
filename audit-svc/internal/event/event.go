// Package event decides what the log takes: which events are whole and free of contradiction, and which
// ids name a believable time. It is a pure function of the event, the caller's kind and the clock; where
// an event is stored is not its business.
package event

import (
	"fmt"
	"time"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// ReasonInvalid is the reason of an event that is not taken.
const ReasonInvalid = "INVALID_EVENT"

const (
	// MaxSkew is how far the id of an event may be from our clock, and from the event's own time: an id
	// more than ten minutes off is refused. The store relies on it when it narrows a search by
	// time to a range of ids, so it may be raised and never lowered.
	MaxSkew = 10 * time.Minute
	// MaxDelay is how late a service's outbox may deliver an event that it wrote with a change: an audit-svc
	// that was down must not turn accounted changes into refused events. Partitions of that time exist.
	MaxDelay = 28 * 24 * time.Hour
	// MaxBytes is the size of an encoded event at most. A released record of every section names some
	// dozens of organisations; this is a hundred times that.
	MaxBytes = 64 << 10
)

// Delivery is how an event reaches us.
type Delivery uint8

const (
	// Direct is an event that is appended before its call is answered: now.
	Direct Delivery = iota
	// FromOutbox is an event that was stored with a change and is delivered until it succeeds, up to
	// MaxDelay later.
	FromOutbox
)

// Problem says which part of an event is wrong, in fixed words that quote nothing of it.
type Problem struct {
	// Field is the path inside the event, such as "actor.kind".
	Field string
	// Text says what the part must be.
	Text string
}

// Error is the field and the fixed text.
func (p *Problem) Error() string { return p.Field + ": " + p.Text }

// Fault is the answer to the caller; index is the event's place in the request.
func (p *Problem) Fault(index int) *fault.Error {
	return fault.Invalid(ReasonInvalid, fmt.Sprintf("events[%d].%s", index, p.Field), p.Text)
}

// Check tells whether an event may be stored now; nil or a *Problem.
func Check(e *auditv1.Event, how Delivery, now time.Time) *Problem {
	checks := []func(*auditv1.Event) *Problem{
		func(e *auditv1.Event) *Problem { return checkTime(e, how, now) },
		checkWords, checkActor, checkPerson, checkOutcome,
	}
	for _, check := range checks {
		if p := check(e); p != nil {
			return p
		}
	}
	return nil
}

// Encode is the bytes that are hashed and stored. They are made once: encodings of one message by other
// releases may differ, so nobody encodes an event again to compare it.
func Encode(e *auditv1.Event) ([]byte, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return body, nil
}

// Decode reads stored bytes.
func Decode(body []byte) (*auditv1.Event, error) {
	e := &auditv1.Event{}
	if err := proto.Unmarshal(body, e); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	return e, nil
}

// Same tells whether stored bytes and a new encoding are the same event: byte by byte, or, when another
// release encoded the first, part by part.
func Same(stored, given []byte) bool {
	if string(stored) == string(given) {
		return true
	}
	a, errA := Decode(stored)
	b, errB := Decode(given)
	return errA == nil && errB == nil && proto.Equal(a, b)
}

// checkTime compares the id's time with the clock and with the event's own time.
func checkTime(e *auditv1.Event, how Delivery, now time.Time) *Problem {
	at, err := verify.Time(e.GetId())
	if err != nil {
		return &Problem{"id", "must be a UUIDv7 in lower case"}
	}
	late := MaxSkew
	if how == FromOutbox {
		late = MaxDelay
	}
	if at.After(now.Add(MaxSkew)) || at.Before(now.Add(-late)) {
		return &Problem{"id", "must name a time within ten minutes of now, or for an outbox within 28 days before it"}
	}
	if !e.GetOccurredAt().IsValid() {
		return &Problem{"occurred_at", "must be a time"}
	}
	if off := e.GetOccurredAt().AsTime().Sub(at); off > MaxSkew || off < -MaxSkew {
		return &Problem{"occurred_at", "must be within ten minutes of the time of the id"}
	}
	return nil
}

// checkPerson wants a checked number or none: an event about a number that cannot exist would never be
// found by the person it is about.
func checkPerson(e *auditv1.Event) *Problem {
	if e.GetNhsNumber() == "" {
		return nil
	}
	n, err := nhsnumber.Parse(e.GetNhsNumber())
	if err != nil || string(n) != e.GetNhsNumber() {
		return &Problem{"nhs_number", "must be a valid NHS number of ten digits, or empty"}
	}
	return nil
}
