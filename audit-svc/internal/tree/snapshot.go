package tree

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrSnapshot is returned for text that PostgreSQL does not write for a pg_snapshot.
var ErrSnapshot = errors.New("this is no snapshot of transactions")

// Snapshot tells which transactions are finished: those below Next that are not Open. Transactions are
// numbered with 64 bits, which do not wrap around.
type Snapshot struct {
	// Next is the first number of which nothing is known.
	Next uint64
	// Open are the numbers below Next that were still running, in order.
	Open []uint64
}

// ParseSnapshot reads what PostgreSQL prints for a pg_snapshot: "xmin:xmax:xip,xip".
func ParseSnapshot(text string) (Snapshot, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return Snapshot{}, ErrSnapshot
	}
	lowest, err := strconv.ParseUint(parts[0], 10, 64)
	if err != nil {
		return Snapshot{}, ErrSnapshot
	}
	next, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil || lowest == 0 || lowest > next {
		return Snapshot{}, ErrSnapshot
	}
	s := Snapshot{Next: next}
	if parts[2] == "" {
		return s, nil
	}
	for number := range strings.SplitSeq(parts[2], ",") {
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || n < lowest || n >= next || (len(s.Open) > 0 && n <= s.Open[len(s.Open)-1]) {
			return Snapshot{}, ErrSnapshot
		}
		s.Open = append(s.Open, n)
	}
	return s, nil
}

// String is how PostgreSQL writes it.
func (s Snapshot) String() string {
	lowest := s.Next
	if len(s.Open) > 0 {
		lowest = s.Open[0]
	}
	open := make([]string, len(s.Open))
	for i, n := range s.Open {
		open[i] = strconv.FormatUint(n, 10)
	}
	return fmt.Sprintf("%d:%d:%s", lowest, s.Next, strings.Join(open, ","))
}

// Finished tells whether a transaction is finished in this snapshot.
func (s Snapshot) Finished(transaction uint64) bool {
	return transaction < s.Next && !s.open(transaction)
}

func (s Snapshot) open(transaction uint64) bool {
	_, found := slices.BinarySearch(s.Open, transaction)
	return found
}
