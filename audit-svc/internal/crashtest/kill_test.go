package crashtest_test

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// points are the named steps, in the order in which an event passes them.
func points() []string {
	return []string{
		"audit.append.received", "audit.append.gathered", "audit.append.before_insert", "audit.append.after_insert",
		"audit.append.before_commit", "audit.append.stored", "audit.append.before_answer",
		"audit.sequence.after_snapshot", "audit.sequence.before", "audit.sequence.after_leaves", "audit.sequence.after_tiles",
		"audit.sequence.before_commit", "audit.sequence.after_commit",
		"audit.sign.before", "audit.sign.after_body", "audit.sign.before_commit", "audit.sign.after_commit",
		"audit.publish.before", "audit.publish.before_store", "audit.publish.after",
	}
}

// kills at each point: five in CI, a hundred in the soak.
func kills() int {
	if os.Getenv("DCR_SOAK") != "" {
		return 100
	}
	return 5
}

// TestKilledAtEveryStep kills two replicas under load at each named step, one after the other leads. No
// acknowledged event is lost and none is doubled, the tree is one, and the witness never refuses.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	l := f.append(4, 0, 1)
	for _, point := range points() {
		done := 0
		for round := 0; done < kills(); round++ {
			if round > 3*kills() {
				t.Fatalf("%s killed %d times in %d rounds: the step is not reached", point, done, round)
			}
			done += f.killBoth(fmt.Sprintf("%s=kill@%d", point, 1+round%3))
		}
	}
	last := []*process{f.start(0, ""), f.start(1, "")}
	f.await("appends after the last kill", time.Minute, func() bool { return len(l.ids()) > 100 })
	l.stop()
	f.settled(l)
	for _, p := range last {
		f.stop(p)
	}
	t.Logf("%d events were acknowledged, %d leaves were witnessed", len(l.ids()), f.witness.size())
}

// killBoth starts both replicas with a failpoint, and counts those that it killed: whoever leads first, and then
// the other.
func (f *fleet) killBoth(failpoint string) (killed int) {
	f.t.Helper()
	for _, p := range []*process{f.start(0, failpoint), f.start(1, failpoint)} {
		select {
		case <-p.done:
			if f.killed(p) {
				killed++
			}
		case <-time.After(10 * time.Second):
			f.stop(p)
		}
	}
	return killed
}
