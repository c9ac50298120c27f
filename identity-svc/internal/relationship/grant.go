package relationship

import "time"

// Standing is a relationship that stands now, as far as a grant rests on it.
type Standing struct {
	ID     string
	Kind   Kind
	EndsAt time.Time // zero: open-ended
}

// Ground picks, of the granter's own relationships that stand now, the one that a grant to a colleague
// rests on: one that a feed made, and of these the one that ends last. ok is false when there is none;
// a granted, self-declared or emergency relationship is no ground, or it could be passed round for ever.
func Ground(own []Standing) (ground Standing, ok bool) {
	for _, s := range own {
		if !s.Kind.FromFeed() {
			continue
		}
		if !ok || outlasts(s.EndsAt, ground.EndsAt) {
			ground, ok = s, true
		}
	}
	return ground, ok
}

// outlasts compares ends, where zero is later than any.
func outlasts(a, b time.Time) bool {
	if b.IsZero() {
		return false
	}
	return a.IsZero() || a.After(b)
}
