package verify_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// TestOpen: what a verifier believes, and why not.
func TestOpen(t *testing.T) {
	t.Parallel()
	m := newMemory(t, "a", 7)
	c := m.checkpoint(t, 7)
	old, fresh, stranger := logKeys(t), logKeys(t), logKeys(t)
	w1, w2, w3 := witnessKeys(t, "one.example"), witnessKeys(t, "two.example"), witnessKeys(t, "three.example")
	again := witnessKeys(t, "one.example") // the first witness under a new key is still one witness
	elsewhere := c
	elsewhere.Origin = "elsewhere.example"
	signed := sign(t, c, fresh)
	witnessed := cosign(t, cosign(t, signed, c, w1), c, w2)
	other := m.checkpoint(t, 6)
	for name, tt := range map[string]struct {
		log, witnesses []keys
		quorum         int
		message        []byte
		want           error
	}{
		"signed":                         {[]keys{fresh}, nil, 0, signed, nil},
		"while keys are rotated":         {[]keys{old, fresh}, nil, 0, sign(t, c, old, fresh), nil},
		"by one who has the old key":     {[]keys{old}, nil, 0, sign(t, c, old, fresh), nil},
		"by a stranger":                  {[]keys{fresh}, nil, 0, sign(t, c, stranger), verify.ErrSignature},
		"by nobody":                      {[]keys{fresh}, nil, 0, []byte(c.Text()), verify.ErrCheckpoint},
		"about another log":              {[]keys{fresh}, nil, 0, sign(t, elsewhere, fresh), verify.ErrSignature},
		"no text of a checkpoint":        {[]keys{fresh}, nil, 0, bytes.Replace(signed, []byte("\n7\n"), []byte("\n07\n"), 1), verify.ErrSignature},
		"witnessed":                      {[]keys{fresh}, []keys{w1, w2}, 2, witnessed, nil},
		"witnessed by one of three":      {[]keys{fresh}, []keys{w1, w2, w3}, 1, witnessed, nil},
		"witnessed by too few":           {[]keys{fresh}, []keys{w1, w3}, 2, witnessed, verify.ErrQuorum},
		"witnessed twice by one":         {[]keys{fresh}, []keys{w1, w2}, 2, cosign(t, cosign(t, signed, c, w1), c, w1), verify.ErrQuorum},
		"witnessed by one with two keys": {[]keys{fresh}, []keys{w1, again, w2}, 2, cosign(t, cosign(t, signed, c, w1), c, again), verify.ErrQuorum},
		"only witnessed":                 {[]keys{stranger}, []keys{w1, w2}, 2, witnessed, verify.ErrSignature},
		"witnessed at another size":      {[]keys{fresh}, []keys{w1}, 1, cosign(t, signed, other, w1), verify.ErrSignature},
		"larger than a checkpoint is":    {[]keys{fresh}, nil, 0, append(signed, bytes.Repeat([]byte("x"), 70<<10)...), verify.ErrCheckpoint},
		"witnesses nobody asked about":   {[]keys{fresh}, nil, 0, witnessed, nil},
		"a signature without a key name": {[]keys{fresh}, nil, 0, append(signed, "— \n"...), verify.ErrCheckpoint},
	} {
		s, err := trust(t, tt.log, tt.witnesses, tt.quorum).Open(tt.message)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if err == nil && (s.Size != 7 || s.Root != c.Root || s.Text != c.Text() || len(s.Keys) == 0) {
			t.Errorf("%s: opened %+v", name, s)
		}
	}
}

// TestCosignatureSaysWhen: the time is inside what is signed.
func TestCosignatureSaysWhen(t *testing.T) {
	t.Parallel()
	c := newMemory(t, "a", 3).checkpoint(t, 3)
	log, w := logKeys(t), witnessKeys(t, "one.example")
	message := cosign(t, sign(t, c, log), c, w)
	s, err := trust(t, []keys{log}, []keys{w}, 1).Open(message)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cosignatures) != 1 || !s.Cosignatures[0].At.Equal(now) || s.Cosignatures[0].Witness != "one.example" || !strings.HasSuffix(string(message), s.Cosignatures[0].Line) {
		t.Errorf("cosignatures %+v", s.Cosignatures)
	}
	if _, err := trust(t, []keys{log}, []keys{w}, 0).Open(otherTime(t, message)); !errors.Is(err, verify.ErrSignature) {
		t.Errorf("another time was believed: %v", err)
	}
	if _, err := cosigner(t, w).Cosign(c.Text(), time.Unix(-1, 0)); err == nil {
		t.Error("cosigned before 1970")
	}
	if _, err := cosigner(t, w).Cosign("not a checkpoint\n", now); !errors.Is(err, verify.ErrCheckpoint) {
		t.Errorf("cosigned no checkpoint: %v", err)
	}
}

// otherTime changes the time inside the last signature by a second.
func otherTime(t *testing.T, message []byte) []byte {
	t.Helper()
	at := bytes.LastIndexByte(message, ' ') + 1
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(message[at:])))
	if err != nil {
		t.Fatal(err)
	}
	raw[11]++ // after the key's number, the last byte of the time
	return append(message[:at:at], base64.StdEncoding.EncodeToString(raw)+"\n"...)
}

func cosigner(t *testing.T, k keys) *verify.Cosigner {
	t.Helper()
	c, err := verify.NewCosigner(k.private)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEveryFlipOfACheckpointIsFound changes one bit of a witnessed checkpoint: it is refused, or says the
// same as before.
func TestEveryFlipOfACheckpointIsFound(t *testing.T) {
	t.Parallel()
	c := newMemory(t, "a", 5).checkpoint(t, 5)
	log, w := logKeys(t), witnessKeys(t, "one.example")
	message, believed := cosign(t, sign(t, c, log), c, w), trust(t, []keys{log}, []keys{w}, 1)
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(message)
		at := rapid.IntRange(0, len(changed)-1).Draw(t, "byte")
		changed[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if s, err := believed.Open(changed); err == nil && (s.Size != c.Size || s.Root != c.Root || s.Origin != c.Origin) {
			t.Fatalf("a flip at %d was believed: %+v", at, s.Checkpoint)
		}
	})
}

// TestKeys: every key is for one purpose.
func TestKeys(t *testing.T) {
	t.Parallel()
	log, w := logKeys(t), witnessKeys(t, "one.example")
	if c, err := verify.NewCosigner(w.private); err != nil || c.PublicKey() != w.public || c.Name() != "one.example" {
		t.Errorf("cosigner: %v", err)
	}
	for name, private := range map[string]string{"a log's": log.private, "a public one": w.public, "none": "", "cut off": w.private[:len(w.private)-4],
		"renamed": strings.Replace(w.private, "one.example", "two.example", 1)} {
		if _, err := verify.NewCosigner(private); !errors.Is(err, verify.ErrKey) {
			t.Errorf("cosigner with %s key: %v", name, err)
		}
	}
	renamed := strings.Replace(log.public, origin, "other.example", 1)
	for name, tt := range map[string]struct {
		log, witnesses []string
		quorum         int
	}{
		"no log":                  {nil, nil, 0},
		"a witness as log":        {[]string{w.public}, nil, 0},
		"a log as witness":        {[]string{log.public}, []string{log.public}, 0},
		"a renamed key":           {[]string{renamed}, nil, 0},
		"two logs":                {[]string{log.public, otherLog(t)}, nil, 0},
		"more quorum than keys":   {[]string{log.public}, []string{w.public}, 2},
		"one witness counted two": {[]string{log.public}, []string{w.public, witnessKeys(t, "one.example").public}, 2},
		"negative quorum":         {[]string{log.public}, nil, -1},
		"a private key":           {[]string{log.private}, nil, 0},
	} {
		if _, err := verify.NewTrust(tt.log, tt.witnesses, tt.quorum); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, name := range []string{"", "two words", "a+b", "tab\t", "\xff"} {
		if _, _, err := verify.GenerateLogKey(zeroes{}, name); !errors.Is(err, verify.ErrKey) {
			t.Errorf("log named %q: %v", name, err)
		}
		if _, _, err := verify.GenerateWitnessKey(zeroes{}, name); !errors.Is(err, verify.ErrKey) {
			t.Errorf("witness named %q: %v", name, err)
		}
	}
	if got := verify.Keys("# ours\n\n a+b \r\nc\n"); len(got) != 2 || got[0] != "a+b" || got[1] != "c" {
		t.Errorf("keys %q", got)
	}
}

func otherLog(t *testing.T) string {
	_, public, err := verify.GenerateLogKey(zeroes{}, "other.example")
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// zeroes is no randomness at all.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }
