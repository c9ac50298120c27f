package verify_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

func TestParseCheckpoint(t *testing.T) {
	t.Parallel()
	m := newMemory(t, "a", 3)
	for _, n := range []int64{0, 1, 3} {
		c := m.checkpoint(t, n)
		if back, err := verify.ParseCheckpoint(c.Text()); err != nil || back.Text() != c.Text() || back.Size != n {
			t.Errorf("%d leaves: %+v, %v", n, back, err)
		}
	}
	good := m.checkpoint(t, 3)
	hash := strings.Split(good.Text(), "\n")[2]
	extended := good
	extended.Extensions = []string{"more", "and more"}
	if back, err := verify.ParseCheckpoint(extended.Text()); err != nil || len(back.Extensions) != 2 {
		t.Errorf("extensions: %+v, %v", back, err)
	}
	for name, text := range map[string]string{
		"empty":             "",
		"no last newline":   strings.TrimSuffix(good.Text(), "\n"),
		"two lines":         "o\n3\n",
		"no origin":         "\n3\n" + hash + "\n",
		"empty line":        "o\n3\n" + hash + "\n\n",
		"leading zero":      "o\n03\n" + hash + "\n",
		"plus":              "o\n+3\n" + hash + "\n",
		"negative":          "o\n-3\n" + hash + "\n",
		"too large":         "o\n" + strconv.FormatInt(verify.MaxSize+1, 10) + "\n" + hash + "\n",
		"short hash":        "o\n3\nAAAA\n",
		"hash and return":   "o\n3\n" + hash + "\r\n",
		"loose bits":        "o\n3\n" + hash[:42] + "d=\n",
		"wrong empty root":  "o\n0\n" + hash + "\n",
		"other than UTF-8":  "\xff\n3\n" + hash + "\n",
		"longer than taken": strings.Repeat("o", 70<<10) + "\n3\n" + hash + "\n",
	} {
		if c, err := verify.ParseCheckpoint(text); !errors.Is(err, verify.ErrCheckpoint) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

// receipt of the first event of a log of n.
func receipt(t fatal, m *memory, index int64, log keys) verify.Receipt {
	c := m.checkpoint(t, m.size())
	return verify.Receipt{Nonce: m.nonces[index], Event: m.events[index], Index: index, Proof: m.inclusion(t, m.size(), index), Checkpoint: sign(t, c, log)}
}

// TestReceipt: what is written is read, and holds.
func TestReceipt(t *testing.T) {
	t.Parallel()
	log, m := logKeys(t), newMemory(t, "a", 70)
	believed := trust(t, []keys{log}, nil, 0)
	rapid.Check(t, func(t *rapid.T) {
		r := receipt(t, m, rapid.Int64Range(0, m.size()-1).Draw(t, "index"), log)
		back, err := verify.ParseReceipt(r.Format())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Format(), r.Format()) {
			t.Fatalf("written %s\nread %s", r.Format(), back.Format())
		}
		if c, err := back.Verify(believed); err != nil || c.Size != m.size() {
			t.Fatal(err)
		}
	})
}

// TestFlippedReceipt: no change of a bit in a receipt makes it say something else that is believed.
func TestFlippedReceipt(t *testing.T) {
	t.Parallel()
	log, m := logKeys(t), newMemory(t, "a", 70)
	believed := trust(t, []keys{log}, nil, 0)
	rapid.Check(t, func(t *rapid.T) {
		r := receipt(t, m, rapid.Int64Range(0, m.size()-1).Draw(t, "index"), log)
		data := r.Format()
		at := rapid.IntRange(0, len(data)-1).Draw(t, "byte")
		data[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		back, err := verify.ParseReceipt(data)
		if err != nil {
			return
		}
		if _, err := back.Verify(believed); err == nil && (!bytes.Equal(back.Event, r.Event) || back.Index != r.Index) {
			t.Fatalf("a flip at %d was believed: %q", at, data)
		}
	})
}

func TestParseReceiptRefuses(t *testing.T) {
	t.Parallel()
	log := logKeys(t)
	good := string(receipt(t, newMemory(t, "a", 3), 1, log).Format())
	extra := strings.Split(good, "\n")[1]
	for name, text := range map[string]string{
		"empty":         "",
		"other header":  strings.Replace(good, "@v1", "@v2", 1),
		"no event":      strings.Replace(good, extra+"\n", "", 1),
		"short nonce":   strings.Replace(good, extra, "extra "+base64.StdEncoding.EncodeToString(make([]byte, 32)), 1),
		"no index":      strings.Replace(good, "index 1\n", "", 1),
		"index in hex":  strings.Replace(good, "index 1\n", "index 0x1\n", 1),
		"no checkpoint": good[:strings.Index(good, "\n\n")+2],
		"too large":     good + strings.Repeat("x", 300<<10),
	} {
		if r, err := verify.ParseReceipt([]byte(text)); !errors.Is(err, verify.ErrReceipt) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	m := newMemory(f, "a", 3)
	f.Add(m.checkpoint(f, 3).Text())
	f.Add("o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := verify.ParseCheckpoint(text)
		if err != nil {
			return
		}
		if c.Text() != text {
			t.Errorf("%q is written %q", text, c.Text())
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	log := keys{}
	log.private, log.public, _ = verify.GenerateLogKey(zeroes{}, origin)
	r := receipt(f, newMemory(f, "a", 5), 3, log)
	f.Add(r.Format())
	believed, err := verify.NewTrust([]string{log.public}, nil, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		back, err := verify.ParseReceipt(data)
		if err != nil {
			return
		}
		again, err := verify.ParseReceipt(back.Format())
		if err != nil || !bytes.Equal(again.Format(), back.Format()) {
			t.Errorf("%q is not read again: %v", back.Format(), err)
		}
		if _, err := back.Verify(believed); err == nil && !bytes.Equal(back.Event, r.Event) {
			t.Errorf("a forged receipt: %q", data)
		}
	})
}

func FuzzParseSubmission(f *testing.F) {
	m := newMemory(f, "a", 5)
	log := keys{}
	log.private, log.public, _ = verify.GenerateLogKey(zeroes{}, origin)
	f.Add(verify.Submission{Old: 2, Proof: m.consistency(f, 2, 5), Checkpoint: sign(f, m.checkpoint(f, 5), log)}.Format())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := verify.ParseSubmission(data)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Format(), data) {
			t.Errorf("%q is written %q", data, s.Format())
		}
	})
}
