package nhsnumber_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

func TestParse(t *testing.T) {
	cases := []struct {
		in   string
		want nhsnumber.Number
		err  error
	}{
		{"9990002673", "9990002673", nil},
		{"999 000 2673", "9990002673", nil},
		{"999-000-2673", "9990002673", nil},
		{" 9990002673 ", "9990002673", nil},
		{"9434765919", "9434765919", nil},
		{"9990002674", "", nhsnumber.ErrCheck},
		{"9990006273", "", nhsnumber.ErrCheck}, // transposed
		// The sum leaves remainder 1, so the check digit would be 10.
		{"9990000000", "", nhsnumber.ErrCheck},
		{"9999999999", "", nhsnumber.ErrRepeated},
		{"0000000000", "", nhsnumber.ErrRepeated},
		{"", "", nhsnumber.ErrForm},
		{"999000267", "", nhsnumber.ErrForm},
		{"99900026733", "", nhsnumber.ErrForm},
		{"999000267X", "", nhsnumber.ErrForm},
		{"999\u00a0000\u00a02673", "", nhsnumber.ErrForm},
		{"٩٩٩٠٠٠٢٦٧٣", "", nhsnumber.ErrForm},
		{"9990002673" + strings.Repeat(" ", 100), "", nhsnumber.ErrForm},
	}
	for _, c := range cases {
		got, err := nhsnumber.Parse(c.in)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Parse(%q) = %q, %v; want %q, %v", c.in, got, err, c.want, c.err)
		}
	}
}

func TestGrouped(t *testing.T) {
	if got := nhsnumber.Number("9990002673").Grouped(); got != "999 000 2673" {
		t.Errorf("got %q", got)
	}
	if got := nhsnumber.Number("").Grouped(); got != "" {
		t.Errorf("got %q", got)
	}
}

// The check digit exists to catch the two errors that typists make.
func TestTypingErrorsAreCaught(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, err := nhsnumber.Parse(rapid.StringMatching(`[0-9]{10}`).Draw(t, "digits"))
		if err != nil {
			return
		}
		if again, err := nhsnumber.Parse(n.Grouped()); err != nil || again != n {
			t.Fatalf("grouped form is not read back: %v", err)
		}
		at := rapid.IntRange(0, 9).Draw(t, "at")
		digit := byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
		typed := []byte(n)
		if typed[at] == digit {
			return
		}
		typed[at] = digit
		if _, err := nhsnumber.Parse(string(typed)); err == nil {
			t.Fatal("one wrong digit was accepted")
		}
	})
}

func TestLogsShowNoNumber(t *testing.T) {
	var out bytes.Buffer
	n, err := nhsnumber.Parse("9990002673")
	if err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("seen", "patient", n)
	if strings.Contains(out.String(), "2673") {
		t.Errorf("the log shows the number: %s", out.String())
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"9990002673", "999 000 2673", "9999999999", "", "abc", "999-000-2674"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := nhsnumber.Parse(s)
		if err != nil {
			if n != "" || (s != "" && strings.Contains(err.Error(), s) && len(s) > 4) {
				t.Fatalf("refused, yet %q, %v", n, err)
			}
			return
		}
		if again, err := nhsnumber.Parse(string(n)); err != nil || again != n {
			t.Fatalf("%q is not stable: %q, %v", n, again, err)
		}
	})
}
