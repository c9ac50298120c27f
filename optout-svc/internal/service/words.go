package service

import (
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// The contract's numbers in the words of package request. A number without a word gives an empty one, which
// no rule knows, and so is refused.

func channelOf(c optoutv1.Channel) request.Channel {
	return map[optoutv1.Channel]request.Channel{
		optoutv1.Channel_CHANNEL_TELEPHONE: request.Telephone, optoutv1.Channel_CHANNEL_ONLINE: request.Online,
		optoutv1.Channel_CHANNEL_POST: request.Post, optoutv1.Channel_CHANNEL_LEAFLET: request.Leaflet,
	}[c]
}

func requesterOf(r optoutv1.Requester) request.Requester {
	return map[optoutv1.Requester]request.Requester{
		optoutv1.Requester_REQUESTER_SELF: request.Self, optoutv1.Requester_REQUESTER_PARENT: request.Parent,
		optoutv1.Requester_REQUESTER_ATTORNEY: request.Attorney,
	}[r]
}

func choiceOf(sealed bool) request.Choice {
	if sealed {
		return request.Out
	}
	return request.In
}

// wanted tells whether a choice seals. Where none is said, to opt out is meant.
func wantsOut(c optoutv1.Choice) bool { return c != optoutv1.Choice_CHOICE_IN }

func stateNumber(s string) optoutv1.RequestState {
	return map[request.State]optoutv1.RequestState{
		request.Received:      optoutv1.RequestState_REQUEST_STATE_RECEIVED,
		request.NeedsMatching: optoutv1.RequestState_REQUEST_STATE_NEEDS_MATCHING,
		request.NeedsEvidence: optoutv1.RequestState_REQUEST_STATE_NEEDS_EVIDENCE,
		request.Ready:         optoutv1.RequestState_REQUEST_STATE_READY,
		request.Effective:     optoutv1.RequestState_REQUEST_STATE_EFFECTIVE,
		request.Refused:       optoutv1.RequestState_REQUEST_STATE_REFUSED,
		request.Withdrawn:     optoutv1.RequestState_REQUEST_STATE_WITHDRAWN,
		request.Reversed:      optoutv1.RequestState_REQUEST_STATE_REVERSED,
	}[request.State(s)]
}

// stateWord is the word of a state to which a list is narrowed; empty for all.
func stateWord(n optoutv1.RequestState) string {
	for _, s := range request.States() {
		if stateNumber(string(s)) == n {
			return string(s)
		}
	}
	return ""
}

func needNumber(n request.Need) optoutv1.Waiting {
	return map[request.Need]optoutv1.Waiting{
		request.NeedMatch:        optoutv1.Waiting_WAITING_MATCH,
		request.NeedConfirmation: optoutv1.Waiting_WAITING_CONFIRMATION,
		request.NeedEvidence:     optoutv1.Waiting_WAITING_EVIDENCE,
		request.NeedSafeguarding: optoutv1.Waiting_WAITING_SAFEGUARDING,
		request.NeedSignOff:      optoutv1.Waiting_WAITING_SIGN_OFF,
	}[n]
}

// factsOf are the facts that a request's own row holds; the person's choice in force is added by whoever has
// locked it.
func (c *core) factsOf(o store.OptOut) request.Facts {
	f := request.Facts{
		State:  request.State(o.State),
		Choice: choiceOf(o.Sealed), Channel: channelOf(optoutv1.Channel(o.Channel)), Requester: requesterOf(optoutv1.Requester(o.Requester)),
		Candidate: o.Register != "", Matched: o.NHSNumber != "",
		Confirmed: o.ConfirmedByPersonAt != nil, Checked: o.CheckedAt != nil, Asked: len(o.Asked) > 0, SignedOff: o.SignedOffAt != nil,
		Child: o.ProtectedChild, SafeguardingEntries: o.ProtectedChild, SafeguardingAllowed: o.SafeguardingAllowedAt != nil,
	}
	// From when it was entered: one that goes on from a reversed one is as old as that, and gets its time anew.
	f.Expired = !c.now().Before(c.deadlines().After(o.EnteredAt, c.policy.Limits().UnconfirmedDays))
	return f
}
