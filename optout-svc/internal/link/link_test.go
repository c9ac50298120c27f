package link_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/choice"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/link"
)

// TestStates is every message in every state.
func TestStates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, linked, unlinked link.State
		links, unlinks         bool
	}{
		{link.Absent, link.Linked, link.Unlinked, true, true},
		{link.Linked, link.Linked, link.Unlinked, false, true},
		{link.Unlinked, link.Unlinked, link.Unlinked, false, false},
	} {
		if to, changed := c.from.Link(); to != c.linked || changed != c.links {
			t.Errorf("link in state %d: %d, %v", c.from, to, changed)
		}
		if to, changed := c.from.Unlink(); to != c.unlinked || changed != c.unlinks {
			t.Errorf("unlink in state %d: %d, %v", c.from, to, changed)
		}
	}
}

// TestMembers: who must choose next, and what.
func TestMembers(t *testing.T) {
	t.Parallel()
	member := func(number string, n int64, sealed bool) link.Member {
		return link.Member{NHSNumber: number, Standing: choice.Standing{Number: n, Sealed: sealed}}
	}
	never, out, in := member("a", 0, false), member("b", 3, true), member("c", 2, false)
	for name, c := range map[string]struct{ got, want []link.Member }{
		"join, none out":      {link.Join([]link.Member{never, in}), nil},
		"join, one out":       {link.Join([]link.Member{never, out, in}), []link.Member{member("a", 1, true), member("c", 3, true)}},
		"join, all out":       {link.Join([]link.Member{out}), nil},
		"seal":                {link.Seal([]link.Member{never, out, in}), []link.Member{member("a", 1, true), member("c", 3, true)}},
		"follow out":          {link.Follow(out, []link.Member{never, out, in}), []link.Member{member("a", 1, true), member("c", 3, true)}},
		"follow in":           {link.Follow(in, []link.Member{never, out, in}), []link.Member{member("b", 4, false)}},
		"follow alone":        {link.Follow(out, []link.Member{out}), nil},
		"follow what is like": {link.Follow(in, []link.Member{never, in}), nil},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}
