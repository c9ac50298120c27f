package reference_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
)

func TestNewReadsBack(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		r := reference.New()
		if seen[r] {
			t.Fatalf("drawn twice: %s", r)
		}
		seen[r] = true
		for _, written := range []string{r, strings.ToLower(r), strings.ReplaceAll(r, "-", ""), " " + strings.ReplaceAll(r, "-", " ")} {
			if got, err := reference.Parse(written); err != nil || got != r {
				t.Fatalf("%q: %q, %v; want %q", written, got, err, r)
			}
		}
	}
}

// TestSlipsAreFound changes one symbol, or swaps two, of a good reference.
func TestSlipsAreFound(t *testing.T) {
	t.Parallel()
	const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	rapid.Check(t, func(t *rapid.T) {
		good := []byte(strings.ReplaceAll(reference.New(), "-", ""))
		slip := append([]byte{}, good...)
		i := rapid.IntRange(0, len(slip)-1).Draw(t, "place")
		if rapid.Bool().Draw(t, "swap") {
			j := rapid.IntRange(0, len(slip)-1).Draw(t, "other place")
			slip[i], slip[j] = slip[j], slip[i]
		} else {
			slip[i] = alphabet[rapid.IntRange(0, len(alphabet)-1).Draw(t, "symbol")]
		}
		if _, err := reference.Parse(string(slip)); (err == nil) != (string(slip) == string(good)) {
			t.Fatalf("%s for %s: %v", slip, good, err)
		}
	})
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := reference.New()
	for _, s := range []string{"", good[:13], good + "2", strings.Repeat("-", 100), "O000-0000-0000", good[:4] + "_" + good[5:]} {
		if _, err := reference.Parse(s); err == nil {
			t.Errorf("read %q", s)
		}
	}
}
