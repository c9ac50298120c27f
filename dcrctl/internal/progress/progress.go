// Package progress tells whoever watches how far something is.
package progress

import (
	"context"
	"fmt"
	"io"
	"time"
)

const (
	terminalEvery = 200 * time.Millisecond
	plainEvery    = 5 * time.Second
)

// Show prints lines until ctx ends: over one another on a terminal, one after the other elsewhere.
func Show(ctx context.Context, w io.Writer, terminal bool, line func() string) {
	every, format := plainEvery, "%s\n"
	if terminal {
		every, format = terminalEvery, "\r%s\x1b[K"
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(w, format, line())
		case <-ctx.Done():
			fmt.Fprintf(w, format, line())
			if terminal {
				fmt.Fprintln(w)
			}
			return
		}
	}
}
