package request_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// ready is a person's own request that may take effect.
func ready(c request.Choice) request.Facts {
	return request.Facts{State: request.Ready, Choice: c, Channel: request.Telephone, Requester: request.Self,
		Matched: true, Checked: true, Sealed: c == request.In}
}

func TestEffects(t *testing.T) {
	t.Parallel()
	effective := ready(request.Out)
	effective.State, effective.InForce = request.Effective, true
	for name, c := range map[string]struct {
		facts request.Facts
		event request.Event
		want  request.Step
	}{
		"out":             {ready(request.Out), request.MakeEffective, request.Step{To: request.Effective, Effect: request.NewOut}},
		"in":              {ready(request.In), request.MakeEffective, request.Step{To: request.Effective, Effect: request.NewIn}},
		"wrong person":    {effective, request.Reverse, request.Step{To: request.Reversed, Effect: request.RestoreEarlier}},
		"refused":         {ready(request.Out), request.Refuse, request.Step{To: request.Refused, Effect: request.NoEffect}},
		"withdrawn":       {ready(request.In), request.Withdraw, request.Step{To: request.Withdrawn, Effect: request.NoEffect}},
		"evidence wanted": {asked(ready(request.Out)), request.RequestEvidence, request.Step{To: request.NeedsEvidence, Effect: request.NoEffect}},
	} {
		if got, err := request.Next(c.facts, c.event, request.Officer); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func asked(f request.Facts) request.Facts {
	f.Asked = true
	return f
}

// TestReasons: each refusal that a caller branches on, by what is spoilt of a step that is possible.
func TestReasons(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*request.Facts)
		event request.Event
		actor request.Actor
		want  request.Reason
	}{
		"not ready":             {func(f *request.Facts) { f.State = request.NeedsEvidence }, request.MakeEffective, request.Officer, request.ReasonStep},
		"by staff":              {func(*request.Facts) {}, request.MakeEffective, request.Staff, request.ReasonActor},
		"by the system":         {func(*request.Facts) {}, request.MakeEffective, request.System, request.ReasonOfficer},
		"not matched":           {func(f *request.Facts) { f.Matched = false }, request.MakeEffective, request.Officer, request.ReasonNotMatched},
		"not checked":           {func(f *request.Facts) { f.Checked = false }, request.MakeEffective, request.Officer, request.ReasonEvidence},
		"not confirmed":         {func(f *request.Facts) { f.Checked, f.Channel = false, request.Online }, request.MakeEffective, request.Officer, request.ReasonConfirmation},
		"asked for more":        {func(f *request.Facts) { f.Asked = true }, request.MakeEffective, request.Officer, request.ReasonEvidence},
		"child with entries":    {func(f *request.Facts) { f.Requester, f.Child, f.SafeguardingEntries = request.Parent, true, true }, request.MakeEffective, request.Officer, request.ReasonSafeguarding},
		"candidate":             {func(f *request.Facts) { f.Candidate = true }, request.MakeEffective, request.Officer, request.ReasonSignOff},
		"out already":           {func(f *request.Facts) { f.Sealed = true }, request.MakeEffective, request.Officer, request.ReasonAlreadyOut},
		"not out":               {func(f *request.Facts) { f.Choice = request.In }, request.MakeEffective, request.Officer, request.ReasonNotOut},
		"no duplicate":          {func(*request.Facts) {}, request.Duplicate, request.System, request.ReasonNoDuplicate},
		"chosen since":          {func(f *request.Facts) { f.State = request.Effective }, request.Reverse, request.Officer, request.ReasonNotInForce},
		"closed":                {func(f *request.Facts) { f.State = request.Refused }, request.MakeEffective, request.Officer, request.ReasonClosed},
		"nothing to reconsider": {func(*request.Facts) {}, request.Reconsider, request.System, request.ReasonComplete},
		"wrong code":            {func(f *request.Facts) { f.Channel, f.State, f.Checked = request.Online, request.NeedsEvidence, false }, request.Confirm, request.Person, request.ReasonConfirmation},
		"code for a letter":     {func(f *request.Facts) { f.Confirmed = true }, request.Confirm, request.Person, request.ReasonChannel},
		"no child":              {func(f *request.Facts) { f.State, f.SafeguardingAllowed = request.NeedsEvidence, true }, request.AllowSafeguarding, request.Lead, request.ReasonNoChild},
		"no candidate":          {func(f *request.Facts) { f.State, f.SignedOff = request.NeedsEvidence, true }, request.SignOff, request.Officer, request.ReasonNoCandidate},
		"still time":            {func(f *request.Facts) { f.State, f.Channel, f.Checked = request.NeedsEvidence, request.Online, false }, request.Expire, request.System, request.ReasonNotExpired},
		"matched already":       {func(*request.Facts) {}, request.NoMatch, request.Officer, request.ReasonMatched},
		"online by an officer":  {func(f *request.Facts) { f.State, f.Channel = request.None, request.Online }, request.Submit, request.Officer, request.ReasonChannel},
		"by post by the public": {func(f *request.Facts) { f.State = request.None }, request.Submit, request.Person, request.ReasonChannel},
		"sign-off unsaid":       {func(f *request.Facts) { f.State, f.Candidate = request.NeedsEvidence, true }, request.SignOff, request.Officer, request.ReasonSignOff},
		"decision unsaid": {func(f *request.Facts) {
			f.State, f.Requester, f.Child, f.SafeguardingEntries = request.NeedsEvidence, request.Parent, true, true
		}, request.AllowSafeguarding, request.Lead, request.ReasonSafeguarding},
		"evidence of nobody":       {func(f *request.Facts) { f.State, f.Matched = request.NeedsEvidence, false }, request.RecordEvidence, request.Officer, request.ReasonNotMatched},
		"checked, not by code":     {func(f *request.Facts) { f.Channel = request.Online }, request.MakeEffective, request.System, request.ReasonOfficer},
		"code, not about self":     {func(f *request.Facts) { f.Channel, f.Confirmed, f.Requester = request.Online, true, request.Parent }, request.MakeEffective, request.System, request.ReasonOfficer},
		"signed off, no candidate": {func(f *request.Facts) { f.SignedOff = true }, request.MakeEffective, request.System, request.ReasonOfficer},
		"candidate by staff":       {func(f *request.Facts) { f.State, f.Candidate = request.None, true }, request.Submit, request.Staff, request.ReasonChannel},
	} {
		f := ready(request.Out)
		c.spoil(&f)
		_, err := request.Next(f, c.event, c.actor)
		var refusal *request.Error
		if !errors.As(err, &refusal) || refusal.Reason != c.want || refusal.Text == "" {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestEveryReasonIsDeclared: what a guard refuses with is among the reasons that documents list for it.
func TestEveryReasonIsDeclared(t *testing.T) {
	t.Parallel()
	declared := map[request.Reason]bool{request.ReasonClosed: true, request.ReasonStep: true, request.ReasonActor: true}
	for _, row := range request.Table() {
		for _, g := range row.Guards {
			for _, reason := range g.Reasons {
				declared[reason] = true
			}
		}
	}
	for _, row := range request.Table() {
		everything(row.From[0], func(f request.Facts) {
			var refusal *request.Error
			if _, err := request.Next(f, row.Event, row.Who[0]); errors.As(err, &refusal) && !declared[refusal.Reason] {
				t.Fatalf("%s is not declared", refusal.Reason)
			}
		})
	}
}

// TestProgressTellsLittle: before it is proved who asks, matched or not, duplicate or not reads the same.
func TestProgressTellsLittle(t *testing.T) {
	t.Parallel()
	online := request.Facts{Choice: request.Out, Channel: request.Online, Requester: request.Self}
	for expired, want := range map[bool]request.Progress{false: request.InProgress, true: request.Closed} {
		var told []request.Progress
		for _, s := range []request.State{request.Received, request.NeedsMatching, request.NeedsEvidence} {
			for _, sealed := range []bool{false, true} {
				f := online
				f.State, f.Matched, f.Sealed, f.Expired = s, s == request.NeedsEvidence, sealed, expired
				told = append(told, request.ProgressOf(f))
			}
		}
		for _, p := range told {
			if p != want {
				t.Errorf("expired %v: %v, want %s each", expired, told, want)
			}
		}
	}
	for s, want := range map[request.State]request.Progress{
		request.Effective: request.InEffect, request.Ready: request.InProgress, request.Refused: request.Closed,
		request.Withdrawn: request.Closed, request.Reversed: request.Closed,
	} {
		f := ready(request.Out)
		f.State = s
		if got := request.ProgressOf(f); got != want {
			t.Errorf("%s reads %q", s, got)
		}
	}
}

// TestDocument: every state, event, guard and reason of the code is in the document.
func TestDocument(t *testing.T) {
	t.Parallel()
	doc := request.Markdown()
	var words []string
	for _, s := range request.States() {
		words = append(words, string(s))
		if s.Pending() == (s.Final() || s == request.Effective) {
			t.Errorf("%s is pending and done", s)
		}
	}
	for _, e := range request.Events() {
		words = append(words, string(e))
	}
	for _, a := range request.Actors() {
		words = append(words, string(a))
	}
	for _, n := range request.Needs() {
		words = append(words, string(n))
	}
	for _, row := range request.Table() {
		for _, g := range row.Guards {
			words = append(words, g.Name, g.Meaning, string(g.Reasons[0]))
		}
	}
	for _, word := range words {
		if !strings.Contains(doc, word) {
			t.Errorf("the document does not say %q", word)
		}
	}
	if strings.Contains(doc, "| |\n|---|---|---|\n|") || strings.Count(doc, "[*] -->") != 1 {
		t.Error("the document has an empty table, or the life begins twice")
	}
}
