package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"google.golang.org/grpc/status"
)

// Trail is what a log may say about an error: the words that our own code
// wrapped around it ("load choice") and the type of what stands at its end,
// with the SQLSTATE, errno or gRPC code where it has one. The text of the last
// error is left out, since a driver or a parser may quote a person's data in
// it, and digits in ours are masked for the same reason.
func Trail(err error) string {
	var parts []string
	for err != nil {
		inner := errors.Unwrap(err)
		if inner == nil {
			return strings.Join(append(parts, leaf(err)), ": ")
		}
		if words := wrapping(err, inner); words != "" {
			parts = append(parts, words)
		}
		err = inner
	}
	return strings.Join(parts, ": ")
}

// wrapping is the text that err puts in front of inner. Only fmt.Errorf with
// "fixed words: %w" is trusted to be our own: libraries' errors (strconv's, a
// URL's) quote their input. Of those, and of words with a quote, the type is told.
func wrapping(err, inner error) string {
	if e, ok := err.(*Error); ok { //nolint:errorlint // the chain is walked one link at a time
		return e.Reason
	}
	kind := fmt.Sprintf("%T", err)
	words, ok := strings.CutSuffix(err.Error(), ": "+inner.Error())
	if !ok || kind != "*fmt.wrapError" || strings.ContainsAny(words, "\"'`\n") {
		return kind
	}
	return mask(words)
}

func leaf(err error) string {
	var state interface{ SQLState() string }
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &state):
		return fmt.Sprintf("%T(%s)", err, state.SQLState())
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // the chain is walked one link at a time
		return e.Reason
	}
	if st, ok := status.FromError(err); ok {
		return fmt.Sprintf("%T(%s)", err, st.Code())
	}
	return fmt.Sprintf("%T", err)
}

func mask(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '#'
		}
		return r
	}, s)
}
