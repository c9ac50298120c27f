//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// variable of the environment that says what happens where.
const variable = "DCR_FAILPOINTS"

// point is one name that the environment gives.
type point struct {
	signal syscall.Signal
	at     int64 // the hit at which it happens
	hits   atomic.Int64
}

var points = sync.OnceValue(func() map[string]*point {
	found, err := parse(os.Getenv(variable))
	if err != nil {
		fmt.Fprintln(os.Stderr, variable+":", err)
		os.Exit(2)
	}
	return found
})

// Hit does what the environment says for that name: nothing, or end or stop this process.
func Hit(name string) {
	p := points()[name]
	if p == nil || p.hits.Add(1) != p.at {
		return
	}
	fmt.Fprintln(os.Stderr, "failpoint", name)
	_ = syscall.Kill(os.Getpid(), p.signal)
	if p.signal == syscall.SIGKILL {
		select {} // the signal is on its way; nothing more may happen
	}
}

// parse reads "name=action[@n]" joined by semicolons.
func parse(text string) (map[string]*point, error) {
	found := map[string]*point{}
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, action, ok := strings.Cut(part, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not name=action", part)
		}
		action, nth, counted := strings.Cut(action, "@")
		p := &point{at: 1}
		switch action {
		case "kill":
			p.signal = syscall.SIGKILL
		case "pause":
			p.signal = syscall.SIGSTOP
		default:
			return nil, fmt.Errorf("%q: the action is kill or pause", part)
		}
		if counted {
			n, err := strconv.ParseInt(nth, 10, 64)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%q: @n counts from 1", part)
			}
			p.at = n
		}
		found[name] = p
	}
	return found, nil
}
