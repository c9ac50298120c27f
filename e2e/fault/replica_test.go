package fault_test

import (
	"net/http"
	"testing"
)

// testReplica: any replica may die at any time. Of each service one of two is killed under load: at most a few
// calls are lost, those whose answer had begun to arrive, and nobody is told anything wrong.
func testReplica(t *testing.T, s *suite) {
	for _, program := range services {
		t.Run(program, func(t *testing.T) {
			work := startLoad(t.Context(), s.pairs(t, viewers), s.inTurn)
			defer work.cancel()
			shown := func(l look) bool { return l.released() }
			for range soaking(1) {
				for _, p := range s.stack.Replicas(program) {
					work.awaitMore(t, recoverLimit, viewers, "records shown", shown)
					if err := p.Kill(); err != nil {
						t.Fatal(err)
					}
					work.awaitMore(t, recoverLimit, 3*viewers, "records shown by the survivor", shown)
					if err := p.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			looks := work.stop()
			failed := 0
			for _, l := range looks {
				if l.released() {
					continue
				}
				failed++
				t.Logf("failed: %s", l)
				if l.status != http.StatusServiceUnavailable {
					t.Errorf("a lost replica is to be noticed as 503 at most: %s", l)
				}
			}
			// Reads are sent again to the survivor, so that hardly a call is lost.
			if bound := viewers * soaking(1); failed > bound {
				t.Errorf("%d calls failed, at most %d are bearable", failed, bound)
			}
			s.wantAccounted(t, looks, 8*viewers)
		})
	}
}
