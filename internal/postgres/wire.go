package postgres

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// grace is what a call may take past its context's end: time for the server to answer the
	// cancellation, after which the connection is given up.
	grace = 250 * time.Millisecond
	// closing bounds the farewells to a server that may not listen any more.
	closing = time.Second
	// cancelling bounds the driver's extra connection that asks the server to stop a statement. The call
	// of a prepared statement waits for it, so it may not take longer than the call's own grace.
	cancelling = grace
)

// wire is the network connection below a driver connection. The driver reads and writes it without a
// look at the context; wire makes those reads and writes end when the context does. It uses the real
// clock: these are deadlines of the operating system.
type wire struct {
	net.Conn
	wrote atomic.Bool // since arm

	mu   sync.Mutex
	era  uint64 // one per arm, so that a late cancellation cannot hit the next call
	stop func() bool
}

// Write notes that the server may have learnt something.
func (w *wire) Write(b []byte) (int, error) {
	w.wrote.Store(true)
	return w.Conn.Write(b)
}

// arm bounds all reads and writes until the next arm: by the context (its deadline, and its
// cancellation, each plus grace) and by limit, when positive. It stays in force after the call, since
// rows are still being read; the next call replaces it.
func (w *wire) arm(ctx context.Context, limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
	w.era++
	w.wrote.Store(false)
	var deadline time.Time
	if limit > 0 {
		deadline = time.Now().Add(limit)
	}
	if end, ok := ctx.Deadline(); ok && (deadline.IsZero() || end.Add(grace).Before(deadline)) {
		deadline = end.Add(grace)
	}
	// A connection on which no deadline can be set is broken, and the next read says so.
	_ = w.SetDeadline(deadline)
	if ctx.Done() == nil {
		return
	}
	era := w.era
	w.stop = context.AfterFunc(ctx, func() { w.giveUp(era) })
}

// giveUp shortens the deadline after a cancellation.
func (w *wire) giveUp(era uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.era == era {
		_ = w.SetDeadline(time.Now().Add(grace))
	}
}

// disarm lifts every bound.
func (w *wire) disarm() { w.arm(context.Background(), 0) }

// stale tells whether an idle connection is of no use: the server closed it, or said something unasked,
// which an idle server does only to say goodbye. Without this look, the next statement would be sent
// into the void and its fate be unknown.
func (w *wire) stale() bool {
	socket, ok := w.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	stale := false
	var one [1]byte
	err = raw.Read(func(fd uintptr) bool {
		_, _, peek := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		stale = !errors.Is(peek, syscall.EAGAIN)
		return true
	})
	return stale || err != nil
}

// dialer makes the network connections of one driver connection and remembers the last one: after
// trying several hosts, that is the one in use. Connections dialled later are the driver's cancel
// requests, which must end by themselves.
type dialer struct {
	ctx     context.Context //nolint:containedctx // of the Connect call, as long as which this type lives
	timeout time.Duration   // per host

	mu     sync.Mutex
	last   *wire
	sealed bool
}

// DialContext implements pq.DialerContext.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d.mu.Lock()
	timeout := d.timeout
	if d.sealed {
		timeout = cancelling
	}
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	plain := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3,
	}}
	made, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: made}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sealed {
		return w, w.SetDeadline(time.Now().Add(cancelling))
	}
	w.arm(d.ctx, d.timeout)
	d.last = w
	return w, nil
}

// Dial and DialTimeout complete pq.Dialer; the driver prefers DialContext.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(d.ctx, network, address)
}

// DialTimeout implements pq.Dialer.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// seal ends the making of the connection and gives its wire.
func (d *dialer) seal() *wire {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sealed = true
	return d.last
}
