// Package policy is how requests to opt out are handled, as data: policy.v1.yaml beside this file, or a file
// that replaces it whole. It is read and checked once; what is unknown, missing or contradictory in it stops
// the process. It knows no SQL, no RPC and no clock.
package policy

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the shipped policy
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
	_ "time/tzdata" // images hold no time zones

	"go.yaml.in/yaml/v3"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

//go:embed policy.v1.yaml
var shipped []byte

// maxBytes is more than any policy needs.
const maxBytes = 1 << 18

// Policy is a checked policy. It is never changed after it was made, so it may be shared.
type Policy struct {
	version    string
	zone       *time.Location
	limits     Limits
	documents  Documents
	child      Child
	items      map[string]Item
	channels   map[request.Channel]channel
	requesters map[string]requester
	refusals   map[string]refusal
}

// Limits are times and counts.
type Limits struct {
	// EffectDays after the day of receipt the effect is to be confirmed.
	EffectDays int
	// NearDays before its date a request is near due.
	NearDays int
	// UnconfirmedDays after receipt an online request that was not confirmed is closed.
	UnconfirmedDays int
	// CodeValid by post, by email and by text message.
	CodeByLetter, CodeByEmail, CodeByText time.Duration
	// CodeAttempts are the wrong codes after which a code is void; CodesSent is how many one request gets.
	CodeAttempts, CodesSent int
	// PerReferenceHourly bounds questions and codes for one reference.
	PerReferenceHourly int
}

// Documents are the limits of what is kept with a request.
type Documents struct {
	// MaxBytes of one document.
	MaxBytes int
	// PerRequest is how many one request may have.
	PerRequest int
	// Types that are kept, as media types.
	Types []string
}

// Child are ages in whole years.
type Child struct {
	// AskedFrom this age on a child is asked.
	AskedFrom int
	// Below this age somebody else can have parental responsibility.
	Below int
}

type channel struct {
	code     string
	mayState bool
	evidence []requirement
}

type requester struct {
	mayAsk                   bool
	why                      string
	childrenOnly, adultsOnly bool
	evidence                 []requirement
}

// Default is the policy that the project ships.
func Default() (*Policy, error) { return Parse(shipped) }

// Parse reads a policy whole. Anything in it that is unknown, missing, doubled or contradictory is an error.
func Parse(text []byte) (*Policy, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("read opt-out policy: longer than %d bytes", maxBytes)
	}
	var doc document
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("parse opt-out policy: %w", err)
	}
	var more any
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("parse opt-out policy: more than one document")
	}
	p, err := doc.policy()
	if err != nil {
		return nil, fmt.Errorf("check opt-out policy: %w", err)
	}
	sum := sha256.Sum256(text)
	p.version = doc.Version + "+" + hex.EncodeToString(sum[:4])
	return p, nil
}

// Version names the policy in decisions: its own version and the first digits of its SHA-256, so that an edit
// without a new version shows.
func (p *Policy) Version() string { return p.version }

// Zone is where days begin and end.
func (p *Policy) Zone() *time.Location { return p.zone }

// Limits are the time limits and counts.
func (p *Policy) Limits() Limits { return p.limits }

// Documents are the limits of what is kept with a request. Its list must not be changed.
func (p *Policy) Documents() Documents { return p.documents }

// Child are the ages that matter.
func (p *Policy) Child() Child { return p.child }

// ChannelCode is the national code of a channel.
func (p *Policy) ChannelCode(c request.Channel) string { return p.channels[c].code }

// OfficerMayState tells whether a privacy officer may state in one sentence that the evidence was seen,
// instead of listing it: for a person's own request by channels that allow it.
func (p *Policy) OfficerMayState(r request.Requester, c request.Channel) bool {
	return r == request.Self && p.channels[c].mayState
}

// Item is a kind of evidence, false when there is none of that name.
func (p *Policy) Item(name string) (Item, bool) {
	i, found := p.items[name]
	return i, found
}

// Items are the names of all kinds of evidence, sorted.
func (p *Policy) Items() []string { return slices.Sorted(maps.Keys(p.items)) }
