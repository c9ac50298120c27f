package app

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// BenchmarkAppend is one durable append over mTLS, by as many writers at once as named, on a server that
// really waits for the disk.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			_, appURL, _ := crashServer(b)
			c := serveTest(b, appURL, 1).appender(b, gateway)
			mustSend(b, c, newEvent())
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var all sync.WaitGroup
			for range writers {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := c.Append(b.Context(), &auditv1.AppendRequest{Events: []*auditv1.Event{newEvent()}}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.StopTimer()
		})
	}
}
