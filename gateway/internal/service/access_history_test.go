package service

import "testing"

// TestReceiptsOfAHistoryHoldNoEvent: nonce and event go, and what is in a form that is not known goes altogether.
func TestReceiptsOfAHistoryHoldNoEvent(t *testing.T) {
	const header, rest = "c2sp.org/tlog-proof@v1\n", "index 7\nAAAA\n\nlog.example/audit\n8\nBBBB\n\n— log.example/audit CCCC\n"
	got, ok := withoutExtra(header + "extra c2VjcmV0\n" + rest)
	if !ok || got != header+rest {
		t.Errorf("%v %q", ok, got)
	}
	for _, strange := range []string{
		"", header, header + rest, header + "index 7\nextra c2VjcmV0\n\n", header + "extra c2VjcmV0\nextra c2VjcmV0\n" + rest,
	} {
		if _, ok := withoutExtra(strange); ok {
			t.Errorf("%q is told", strange)
		}
	}
}
