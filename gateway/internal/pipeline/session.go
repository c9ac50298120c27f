package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/authn"
)

// ActionSessionBegin names the event of a sign-in: the first call of a session that this process sees. The
// gateway signs nobody in and keeps no sessions; it learns of one when its token is used. Each replica says
// so once, and a restarted one again, so a session may begin more than once in the log and is never missing
// from it: the session's name in the event tells which they are.
const ActionSessionBegin = "session.begin"

const (
	// sessionLife is how long a session stays known: a working day. One that goes on is said again.
	sessionLife = 12 * time.Hour
	// maxSessions bounds what is remembered, some tens of megabytes. Above it everything is forgotten, and said again.
	maxSessions = 100_000
)

// sessions are those of which the log knows. It is safe for use by many goroutines.
type sessions struct {
	mu    sync.Mutex
	until map[authn.Caller]time.Time
}

// known tells whether the log knows of this session.
func (s *sessions) known(who authn.Caller, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.until[who])
}

// note remembers a session whose event is durable.
func (s *sessions) note(who authn.Caller, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil || len(s.until) >= maxSessions {
		s.until = map[authn.Caller]time.Time{}
	}
	s.until[who] = now.Add(sessionLife)
}

// write appends the events of an attempt, and the one of its session's beginning when the log does not know
// of it: in the same append, so that it costs no round trip of its own. It appends nothing when there is
// nothing to say.
func (p *Pipeline) write(ctx context.Context, a *attempt, events []*auditv1.Event) error {
	begins := a.facts.Token == access.TokenAccepted && !p.sessions.known(a.call.Caller, a.began)
	if begins {
		event, err := a.call.begins()
		if err != nil {
			return err
		}
		events = append(events, event)
	}
	if len(events) == 0 {
		return nil
	}
	if err := p.append(ctx, events); err != nil {
		return err
	}
	if begins {
		p.sessions.note(a.call.Caller, a.began)
	}
	return nil
}

// begins is the event of a session's first call.
func (c *Call) begins() (*auditv1.Event, error) {
	id, err := newEventID()
	if err != nil {
		return nil, fmt.Errorf("account for session: %w", err)
	}
	return &auditv1.Event{
		Id:         id,
		OccurredAt: timestamppb.New(c.OccurredAt),
		Action:     ActionSessionBegin,
		Outcome:    auditv1.Outcome_OUTCOME_CHANGED,
		Actor:      c.actor(),
		Basis:      &auditv1.Basis{Purpose: c.Decision.Purpose, Rpc: c.Method, PolicyVersion: c.PolicyVersion},
		Change:     &auditv1.Change{Resource: "session", Id: c.Caller.Session, Summary: "first used here"},
		Origin:     c.origin(),
	}, nil
}
