package crashtest_test

import (
	"syscall"
	"testing"
	"time"
)

// TestFrozenWithAGroupInItsHands stops a leading replica (SIGSTOP) just before it writes, at each step of
// writing, lets another take over and grow the tree, and wakes it up. It loses; there is no fork and no gap.
func TestFrozenWithAGroupInItsHands(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"audit.sequence.after_snapshot", "audit.sequence.before", "audit.sequence.after_leaves", "audit.sequence.before_commit",
		"audit.sign.before", "audit.sign.before_commit", "audit.publish.before", "audit.publish.before_store",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2)
			sleeper := f.start(0, point+"=pause@3")
			f.await("the first one's election", 30*time.Second, func() bool { return f.said("elected to sequence") })
			other := f.start(1, "")
			l := f.append(2, 1)
			f.await("the first one's sleep", 30*time.Second, func() bool { return f.said("failpoint " + point) })
			began, asleep := time.Now(), f.count(`SELECT max(tree_size) FROM tree_head`)
			f.await("the other's term", 30*time.Second, func() bool {
				return f.count(`SELECT max(tree_size) FROM checkpoint`) > asleep+50
			})
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("taken over after %s", took)
			}
			if err := sleeper.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			awake := f.count(`SELECT max(tree_size) FROM tree_head`)
			f.await("growth after it woke", 30*time.Second, func() bool { return f.count(`SELECT max(tree_size) FROM tree_head`) > awake+50 })
			l.stop()
			f.settled(l)
			f.stop(other) // and the late one leads again
			f.await("the late one's term", 30*time.Second, func() bool {
				return f.count(`SELECT max(tree_size) FROM tree_head`) == f.count(`SELECT count(*) FROM event`)
			})
			f.stop(sleeper)
		})
	}
}
