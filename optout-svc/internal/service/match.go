package service

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// assign names the person of a request. What was confirmed, checked or decided for another person is void.
func (t *task) assign(nhsNumber string, protected bool) {
	if t.o.NHSNumber != "" && t.o.NHSNumber != nhsNumber {
		t.o.ConfirmedByPersonAt, t.o.CheckedAt, t.o.SignedOffAt, t.o.SafeguardingAllowedAt = nil, nil, nil, nil
		t.o.EvidenceFrom, t.o.Asked = t.lastEvidence(), nil
	}
	t.o.NHSNumber, t.o.ProtectedChild, t.standing = nhsNumber, protected, nil
}

// lastEvidence is the number of the latest evidence: what came for an earlier match stays in the history and
// counts no more.
func (t *task) lastEvidence() int { return len(t.known) + len(t.evidence) }

// greet writes to the person whom a request was just matched to: with a code when that confirms it, else that
// it was received. Where a code cannot be sent the request waits for a privacy officer. Whom a candidate of an
// older register names has not asked us, and is written to when it takes effect.
func (t *task) greet(ctx context.Context, way post.Way) error {
	if t.facts().Candidate {
		return nil
	}
	if !t.facts().OwnOnline() {
		if request.State(t.o.State).Pending() {
			t.letters = append(t.letters, Occasion{Kind: letter.Acknowledgement, Name: strconv.Itoa(t.o.Steps)})
		}
		return nil
	}
	if way == "" {
		return nil
	}
	return t.sendCode(ctx, way)
}

// sendCode makes a one-time code, keeps its hash and has it sent. One request gets only so many.
func (t *task) sendCode(ctx context.Context, way post.Way) error {
	before, err := t.store.CodeOf(ctx, t.tx, t.o.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	limits := t.policy.Limits()
	if before.Sent >= limits.CodesSent {
		return nil
	}
	valid := map[post.Way]time.Duration{post.Letter: limits.CodeByLetter, post.Email: limits.CodeByEmail, post.Text: limits.CodeByText}
	until := t.at.Add(valid[way])
	code := reference.NewCode()
	if err := t.store.PutCode(ctx, t.tx, t.o.ID, codeHash(t.o, code), until); err != nil {
		return err
	}
	t.letters = append(t.letters, Occasion{
		Kind: letter.ConfirmationCode, Name: strconv.Itoa(before.Sent + 1), Code: code, CodeUntil: until, By: way,
	})
	return nil
}

// refusalLetter writes to the person that a request was refused, where it is known who that is.
func (t *task) refusalLetter(reason string) {
	if t.o.NHSNumber != "" && !t.facts().Candidate {
		t.letters = append(t.letters, Occasion{Kind: letter.Refused, Name: reason, Reason: reason})
	}
}

// recheck notes that all evidence is there that the policy asks for, now that a privacy officer has looked.
func (t *task) recheck() {
	if t.o.CheckedAt != nil || len(t.missing()) > 0 || len(t.shown()) == 0 {
		return
	}
	at := t.at
	t.o.CheckedAt = &at
}

// shown are the kinds of evidence that count for the present match.
func (t *task) shown() []string {
	return shownKinds(t.o, slices.Concat(t.known, t.evidence))
}

func shownKinds(o store.OptOut, all []store.Evidence) []string {
	var kinds []string
	for _, e := range all {
		if e.Number > o.EvidenceFrom {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}

// missing are the kinds of evidence that the policy still asks for: of each list of alternatives the first.
func (t *task) missing() []string { return t.missingKinds(t.o, t.shown()) }

// missingKinds likewise, of a request as it stands. Once a privacy officer has checked it, nothing is missing
// but what was asked for beside.
func (c *core) missingKinds(o store.OptOut, shown []string) []string {
	kinds := slices.Clone(o.Asked)
	if o.CheckedAt != nil {
		return kinds
	}
	requester, channel := requesterOf(optoutv1.Requester(o.Requester)), channelOf(optoutv1.Channel(o.Channel))
	for _, need := range c.policy.Missing(requester, channel, c.age(o), shown) {
		if name := need.OneOf[0].Name; !slices.Contains(kinds, name) {
			kinds = append(kinds, name)
		}
	}
	return kinds
}
