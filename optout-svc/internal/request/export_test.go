package request

import "slices"

// Ambiguous counts the facts that fit several rows which lead to different states, and gives one of them.
func Ambiguous(from State, e Event, a Actor, everything func(State, func(Facts))) (n int, example Facts) {
	var rows []Transition
	for _, t := range Table() {
		if t.Event == e && slices.Contains(t.From, from) && slices.Contains(t.Who, a) {
			rows = append(rows, t)
		}
	}
	if len(rows) < 2 {
		return 0, Facts{}
	}
	everything(from, func(f Facts) {
		var to []State
		for _, t := range rows {
			if t.refuse(f) == nil && !slices.Contains(to, t.To) {
				to = append(to, t.To)
			}
		}
		if len(to) > 1 {
			n, example = n+1, f
		}
	})
	return n, example
}
