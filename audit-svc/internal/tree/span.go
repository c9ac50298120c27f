package tree

import "errors"

// ErrWentBack is returned when the database numbers transactions lower than a head says: it was restored into
// another server. What the head had seen is then worth nothing, and everything is looked at again.
var ErrWentBack = errors.New("transactions are numbered lower than the tree has seen")

// Span is transactions from From to before To.
type Span struct {
	From, To uint64
}

// Unseen are the transactions, in order, whose events the tree may not have: those that were running or had
// not begun when the tree looked last, and are finished now. Some of them are still running; that does no
// harm, since events of these cannot be read. It returns ErrWentBack.
func Unseen(seen, now Snapshot) ([]Span, error) {
	if now.Next < seen.Next {
		return nil, ErrWentBack
	}
	var spans []Span
	for _, n := range seen.Open {
		switch last := len(spans) - 1; {
		case now.open(n):
		case last >= 0 && spans[last].To == n:
			spans[last].To = n + 1
		default:
			spans = append(spans, Span{n, n + 1})
		}
	}
	if now.Next > seen.Next {
		spans = append(spans, Span{seen.Next, now.Next})
	}
	return spans, nil
}

// AdvanceTo is what the tree has seen once it took, in the order of Unseen, every event of transactions
// before stop, and perhaps some of stop itself. It forgets no transaction: what is not known to be taken
// counts as running.
func AdvanceTo(seen, now Snapshot, stop uint64) Snapshot {
	next := Snapshot{Next: max(seen.Next, stop)}
	for _, n := range seen.Open {
		if n >= stop || now.open(n) {
			next.Open = append(next.Open, n)
		}
	}
	for _, n := range now.Open {
		if n >= seen.Next && n < next.Next {
			next.Open = append(next.Open, n)
		}
	}
	return next
}
