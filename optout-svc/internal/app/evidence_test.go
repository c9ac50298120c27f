package app

import (
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// TestChannelEvidenceThatContradicts: an officer's sentence stands for the list of evidence, but not against what
// they noted of the channel: then the request is kept, waits for the list, and changes nothing.
func TestChannelEvidenceThatContradicts(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	call := func(rightly ...bool) *optoutv1.ChannelEvidence {
		asked := &optoutv1.TelephoneEvidence{CallReference: "4711"}
		for _, r := range rightly {
			asked.Questions = append(asked.Questions, &optoutv1.IdentityQuestion{Question: "first line of address", AnsweredRightly: r})
		}
		return &optoutv1.ChannelEvidence{Telephone: asked}
	}
	form := func(name, address bool) *optoutv1.ChannelEvidence {
		return &optoutv1.ChannelEvidence{Post: &optoutv1.PostEvidence{NameProofSeen: name, AddressProofSeen: address}}
	}
	const telephone, post = optoutv1.Channel_CHANNEL_TELEPHONE, optoutv1.Channel_CHANNEL_POST
	for name, c := range map[string]struct {
		number  string
		channel optoutv1.Channel
		given   *optoutv1.ChannelEvidence
		proved  bool
	}{
		"answered rightly":      {"9990000018", telephone, call(true, true), true},
		"one answer was wrong":  {"9990000026", telephone, call(true, false), false},
		"name and address seen": {"9990000034", post, form(true, true), true},
		"no proof of address":   {"9990000042", post, form(true, false), false},
		"no proof of name":      {"9990000050", post, form(false, true), false},
	} {
		req := optOut(c.number)
		req.Channel, req.ChannelEvidence = c.channel, c.given
		got := s.mustRegister(req)
		if c.proved {
			s.wantState(got, effective)
			s.wantChoice(c.number, 1, true)
			continue
		}
		if got.GetRequestState() != needsEvidence || len(got.GetMissingEvidence()) == 0 {
			t.Errorf("%s: %v, missing %v", name, got.GetRequestState(), got.GetMissingEvidence())
		}
		s.wantChoice(c.number, 0, false)
	}
}
