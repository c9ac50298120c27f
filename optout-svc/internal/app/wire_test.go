package app

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// wire stands between a process and its database and notes what is asked: the text of each statement that is
// executed, and each round trip. It reads the frontend messages of PostgreSQL's protocol.
type wire struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	texts []string
	trips int
	group sync.WaitGroup
}

// newWire makes one before the server of a URL, and gives the URL that leads through it.
func newWire(t *testing.T, to string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, target: u.Host}
	w.group.Go(w.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		w.group.Wait()
	})
	u.Host = listener.Addr().String()
	return w, u.String()
}

func (w *wire) serve() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		w.group.Go(func() {
			_, _ = io.Copy(in, out)
			_ = in.Close()
		})
		w.group.Go(func() {
			w.pass(in, out)
			_ = out.Close()
		})
	}
}

// pass hands messages on. The first one of a connection has no kind.
func (w *wire) pass(from io.Reader, to io.Writer) {
	prepared, bound := map[string]string{}, ""
	for first := true; ; first = false {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		if !first {
			bound = w.note(head[0], body, prepared, bound)
		}
		if _, err := to.Write(append(head, body...)); err != nil {
			return
		}
	}
}

// note reads a message: Parse and Bind name statements, Execute and Query run them, Sync and Query are a round trip.
func (w *wire) note(kind byte, body []byte, prepared map[string]string, bound string) string {
	parts := bytes.SplitN(body, []byte{0}, 3)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch kind {
	case 'P':
		prepared[string(parts[0])] = string(parts[1])
	case 'B':
		return prepared[string(parts[1])]
	case 'E':
		w.texts = append(w.texts, bound)
	case 'Q':
		w.texts, w.trips = append(w.texts, string(parts[0])), w.trips+1
	case 'S':
		w.trips++
	}
	return bound
}

// during gives what is asked while something is done, sorted, without what the workers ask all the time.
func (w *wire) during(do func()) []string {
	w.mu.Lock()
	began := len(w.texts)
	w.mu.Unlock()
	do()
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := slices.DeleteFunc(slices.Clone(w.texts[began:]), func(text string) bool {
		return strings.Contains(text, "outbox") || strings.Contains(text, "letter ") || strings.Contains(text, "FROM letter")
	})
	slices.Sort(asked)
	return asked
}
