package fault_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// failpoints is the setting of package internal/failpoint.
const failpoints = "DCR_FAILPOINTS"

// stepLimit bounds one opt-out with a death in the middle.
const stepLimit = time.Minute

// testSteps kills optout-svc at every named step between the receipt of a request and its effect, its letters
// too. Whoever asked asks again with the same id. Then the request is in force everywhere, once: nothing is lost,
// nothing doubled, no letter twice.
func testSteps(t *testing.T, s *suite) {
	officer := s.staff(t, county.PrivacyOfficerCode)
	w := s.watched(t, 1)[0]
	c := &chooser{token: officer.Token, person: w.person, pick: s.inTurn}
	points := s.steps(t, c)
	t.Logf("%d steps: %s", len(points), strings.Join(points, " "))
	rounds := 1
	if soaking(1) > 1 {
		rounds = 20
	}
	deaths := 0
	for _, point := range points {
		for range rounds {
			deaths += s.dieAt(t, c, w, point)
		}
	}
	t.Logf("%d deaths", deaths)
	if deaths < len(points)*rounds {
		t.Errorf("only %d deaths at %d steps: some were never reached", deaths, len(points))
	}
}

// steps are the named points on the way of a request by telephone: what its history says, what sealing has, and
// what a letter has.
func (s *suite) steps(t *testing.T, c *chooser) []string {
	t.Helper()
	points := []string{
		"optout.seal.before_apply", "optout.seal.after_apply", "optout.seal.before_confirm", "optout.seal.after_confirm",
		"optout.letter.claimed", "optout.letter.before_send", "optout.letter.after_send", "optout.letter.before_record",
	}
	made := c.both(t)
	s.settle(t, c, c.made[len(c.made)-1].id)
	for _, step := range s.optOut(t, c, made.id).GetSteps() {
		points = append(points, "optout."+step.GetEvent()+".before_commit")
		if step.GetEvent() != "sealed" { // its commit is seal.after_confirm
			points = append(points, "optout."+step.GetEvent()+".after_commit")
		}
	}
	return points
}

// both opts the person out and in again, and gives the first choice.
func (c *chooser) both(t *testing.T) choice {
	t.Helper()
	for _, out := range []bool{true, false} {
		if err := c.choose(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	return c.made[len(c.made)-2]
}

// optOut reads one request with its history and letters.
func (s *suite) optOut(t *testing.T, c *chooser, id string) *optoutv1.OptOut {
	t.Helper()
	answer, err := c.get(t.Context(), "/v1/opt-outs/"+id)
	if err != nil {
		t.Fatal(err)
	}
	got := &gatewayv1.GetOptOutResponse{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(answer.Body, got); err != nil {
		t.Fatal(err)
	}
	return got.GetOptOut()
}

// get reads until there is an answer that is no outage.
func (c *chooser) get(ctx context.Context, path string) (*stack.Answer, error) {
	for {
		c.calls++
		answer, err := c.pick(c.calls).Get(ctx, path, c.token)
		if err == nil && answer.Status < http.StatusInternalServerError {
			return answer, answer.Err()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		rest(ctx, 10*pace)
	}
}

// dieAt has every replica die when it comes to a point, opts the person out meanwhile, brings the dead back, and
// looks at what came of it. It gives 1 when somebody died.
func (s *suite) dieAt(t *testing.T, c *chooser, w watched, point string) (deaths int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepLimit)
	defer cancel()
	before := c.made[len(c.made)-1].number
	s.each(t, "optout-svc", tellAndRestart(ctx, point+"=kill"))
	since := time.Now().Add(time.Second) // logged looks back by one
	asked := make(chan error, 1)
	go func() { asked <- c.choose(ctx, true) }()
	died := s.awaitDeath(ctx)
	s.each(t, "optout-svc", tellAndRestart(ctx, ""))
	if err := <-asked; err != nil {
		t.Errorf("%s: %v", point, err)
		return 0
	}
	made := c.made[len(c.made)-1]
	s.wantOnce(t, c, w, point, made, before, since)
	if err := c.choose(ctx, false); err != nil {
		t.Errorf("%s: back in: %v", point, err)
	}
	s.settle(t, c, c.made[len(c.made)-1].id)
	if died {
		return 1
	}
	return 0
}

// tellAndRestart ends a replica, if it is there, and starts it with other failpoints.
func tellAndRestart(ctx context.Context, points string) func(*stack.Process) error {
	return func(p *stack.Process) error {
		select {
		case <-p.Exited():
		default:
			if err := p.Kill(); err != nil {
				return err
			}
		}
		p.Tell(failpoints, points)
		return p.Start(ctx)
	}
}

// awaitDeath waits until a replica of optout-svc has died, or half of the time is over.
func (s *suite) awaitDeath(ctx context.Context) bool {
	replicas := s.stack.Replicas("optout-svc")
	waiting := time.NewTimer(stepLimit / 2)
	defer waiting.Stop()
	select {
	case <-replicas[0].Exited():
		return true
	case <-replicas[1].Exited():
		return true
	case <-waiting.C:
	case <-ctx.Done():
	}
	return false
}

// wantOnce looks at everything that one opt-out makes: its effect, number, history, letters and event.
func (s *suite) wantOnce(t *testing.T, c *chooser, w watched, point string, made choice, before int64, since time.Time) {
	t.Helper()
	o := s.settle(t, c, made.id)
	if o.GetChoiceNumber() != before+1 {
		t.Errorf("%s: choice %d after %d: lost or doubled", point, o.GetChoiceNumber(), before)
	}
	events := map[string]int{}
	for i, step := range o.GetSteps() {
		events[step.GetEvent()]++
		if step.GetNumber() != int32(i+1) { //nolint:gosec // a history is short
			t.Errorf("%s: step %d is numbered %d", point, i+1, step.GetNumber())
		}
	}
	kinds := map[string]int{}
	for _, l := range o.GetLetters() {
		kinds[l.GetKind().String()]++
		if n := s.posted(t, l.GetId()); n != 1 {
			t.Errorf("%s: letter %s went out %d times", point, l.GetKind(), n)
		}
	}
	for what, n := range merged(events, kinds) {
		if n != 1 {
			t.Errorf("%s: %s happened %d times", point, what, n)
		}
	}
	for _, client := range s.rest {
		if l := view(t.Context(), client, w.readers[0]); l.reason() != "NO_PATIENT_CONSENT" {
			t.Errorf("%s: a look after the effect: %s", point, l)
		}
	}
	if n := len(s.logged(t, "opt_out.register", "OUTCOME_CHANGED", since)); n != 1 {
		t.Errorf("%s: %d events of the change, want 1", point, n)
	}
}

// settle waits until a request is in effect and its letters are sent.
func (s *suite) settle(t *testing.T, c *chooser, id string) (o *optoutv1.OptOut) {
	t.Helper()
	settled := func() bool {
		o = s.optOut(t, c, id)
		sent := !slices.ContainsFunc(o.GetLetters(), func(l *optoutv1.Letter) bool {
			return l.GetState() != optoutv1.LetterState_LETTER_STATE_SENT
		})
		return o.GetState() == optoutv1.EffectState_EFFECT_STATE_CONFIRMED && sent && len(o.GetLetters()) > 0
	}
	if !awaited(stepLimit/2, settled) {
		t.Errorf("not in effect with its letters sent: %v, %d letters", o.GetState(), len(o.GetLetters()))
	}
	return o
}

// posted counts the files of a letter in the folder that stands for the post.
func (s *suite) posted(t *testing.T, id string) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(filepath.Join(s.stack.Dir(), "post"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), id) && strings.HasSuffix(path, ".pdf") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func merged(all ...map[string]int) map[string]int {
	sum := map[string]int{}
	for i, m := range all {
		for k, n := range m {
			sum[fmt.Sprintf("%s %s", [...]string{"step", "letter"}[i], k)] = n
		}
	}
	return sum
}
