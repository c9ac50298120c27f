package crashtest_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/rpc"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// load is writers that append as the gateway does: again with the same ids until it is acknowledged.
type load struct {
	t       *testing.T
	cancel  context.CancelFunc
	writers sync.WaitGroup

	mu           sync.Mutex
	acknowledged []string
}

// append starts writers on some replicas. They stop with stop.
func (f *fleet) append(writers int, replicas ...int) *load {
	f.t.Helper()
	var targets []string
	for _, r := range replicas {
		targets = append(targets, fmt.Sprintf("127.0.0.1:%d", f.ports[r]))
	}
	conn, err := rpc.Dial(rpc.DialConfig{
		Target: "static:///" + strings.Join(targets, ","), Peer: "audit-svc", TLS: testkit.Identity(f.t, f.certs, "gateway"),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: f.t, cancel: cancel}
	for i := range writers {
		l.writers.Go(func() { l.write(ctx, conn, 1+i%2) })
	}
	f.t.Cleanup(func() { l.stop(); _ = conn.Close() })
	return l
}

func (l *load) write(ctx context.Context, conn *grpc.ClientConn, events int) {
	client := auditv1.NewAppendServiceClient(conn)
	for ctx.Err() == nil {
		req := &auditv1.AppendRequest{}
		for range events {
			req.Events = append(req.Events, newEvent())
		}
		for !l.try(ctx, client, req) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// try appends once; an outcome that is unknown is no acknowledgement.
func (l *load) try(ctx context.Context, client auditv1.AppendServiceClient, req *auditv1.AppendRequest) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	answer, err := client.Append(ctx, req)
	if err != nil || len(answer.GetLeaves()) != len(req.GetEvents()) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range req.GetEvents() {
		l.acknowledged = append(l.acknowledged, e.GetId())
	}
	return true
}

func (l *load) stop() {
	l.cancel()
	l.writers.Wait()
}

func (l *load) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.acknowledged...)
}

func newEvent() *auditv1.Event {
	return &auditv1.Event{
		Id: uuid.Must(uuid.NewV7()).String(), OccurredAt: timestamppb.Now(),
		Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED,
		Actor:      &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "staff-1", RoleCode: "R1070", OdsCode: "RYF"},
		NhsNumber:  "9990000018",
		Disclosure: &auditv1.Disclosure{Entries: 3, Sha256: make([]byte, 32)},
	}
}

// settled waits until every event is in the tree, signed and witnessed, and checks all of it.
func (f *fleet) settled(l *load) {
	f.t.Helper()
	f.await("the tree, witnessed", time.Minute, func() bool {
		return f.witness.size() == f.count(`SELECT count(*) FROM event`) && f.witness.size() == f.count(`SELECT coalesce(max(tree_size), 0) FROM cosignature`)
	})
	ids := l.ids()
	const proven = `SELECT count(*) FROM event e JOIN leaf l ON l.event_id = e.id WHERE e.id = ANY ($1)`
	if n := f.count(proven, pq.StringArray(ids)); n != int64(len(ids)) {
		f.t.Errorf("of %d acknowledged events %d are in the log", len(ids), n)
	}
	if refused := f.witness.refused(); len(refused) > 0 {
		f.t.Errorf("the witness refused: %v", refused)
	}
	f.fsck()
}
