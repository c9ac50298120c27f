package sign_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

const origin = "log.example/audit"

// keyFile writes text into a file of its own.
func keyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func newKey(t *testing.T, name string) (private, public string) {
	t.Helper()
	private, public, err := verify.GenerateLogKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	return private, public
}

// TestSign: a checkpoint is good under each key, and keys are published as they sign.
func TestSign(t *testing.T) {
	t.Parallel()
	first, firstPublic := newKey(t, origin)
	second, secondPublic := newKey(t, origin)
	keys, err := sign.Load(sign.Config{Origin: origin, Keys: []string{keyFile(t, first+"\n"), keyFile(t, second)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := keys.Public(); len(got) != 2 || got[0] != firstPublic || got[1] != secondPublic || keys.Origin() != origin {
		t.Errorf("public keys %v of %s", got, keys.Origin())
	}
	c := verify.Checkpoint{Origin: origin, Size: 7, Root: tlog.RecordHash([]byte("x"))}
	text, signatures, err := keys.Sign(c)
	if err != nil || len(signatures) != 2 || text != c.Text() {
		t.Fatalf("%q, %v, %v", text, signatures, err)
	}
	message := text + "\n" + signatures[0].Line + signatures[1].Line
	for i, public := range []string{firstPublic, secondPublic} {
		trust, err := verify.NewTrust([]string{public}, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := trust.Open([]byte(message))
		if err != nil || signed.Size != 7 || signed.Root != c.Root {
			t.Errorf("key %d: %v", i, err)
		}
		if want := strings.Join(strings.SplitN(public, "+", 3)[:2], "+"); signatures[i].Signer != want || keys.Signers()[i] != want {
			t.Errorf("signer %q, want %q", signatures[i].Signer, want)
		}
	}
	if _, _, err := keys.Sign(verify.Checkpoint{Origin: "another", Size: 1}); err == nil {
		t.Error("the checkpoint of another log was signed")
	}
}

// TestLoadRefuses: what is wrong or half-present stops the process, and is never quoted.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	good, public := newKey(t, origin)
	other, _ := newKey(t, "other.example")
	witness, _, err := verify.GenerateWitnessKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	file := keyFile(t, good)
	tail := good[len(good)-20:]
	for name, c := range map[string]struct {
		origin string
		keys   []string
		want   string
	}{
		"no origin":          {"", []string{file}, "DCR_AUDIT_ORIGIN"},
		"origin with a plus": {"a+b", []string{file}, "DCR_AUDIT_ORIGIN"},
		"no key":             {origin, nil, "DCR_AUDIT_SIGNING_KEYS"},
		"three keys":         {origin, []string{file, file, file}, "DCR_AUDIT_SIGNING_KEYS"},
		"the same twice":     {origin, []string{file, file}, "same key"},
		"second is missing":  {origin, []string{file, filepath.Join(t.TempDir(), "none")}, "no such file"},
		"empty":              {origin, []string{keyFile(t, "")}, "one private key"},
		"public half":        {origin, []string{keyFile(t, public)}, "one private key"},
		"cut off":            {origin, []string{keyFile(t, good[:len(good)-4])}, "one private key"},
		"changed":            {origin, []string{keyFile(t, strings.Replace(good, "KEY+log", "KEY+lag", 1))}, "one private key"},
		"two in one file":    {origin, []string{keyFile(t, good+"\n"+good)}, "one private key"},
		"of another log":     {origin, []string{keyFile(t, other)}, "not that of DCR_AUDIT_ORIGIN"},
		"of a witness":       {origin, []string{keyFile(t, witness)}, "one private key"},
	} {
		_, err := sign.Load(sign.Config{Origin: c.origin, Keys: c.keys})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), tail) || strings.Contains(err.Error(), "PRIVATE+KEY+log")) {
			t.Errorf("%s: the error quotes the key", name)
		}
	}
}

// TestContinue: a log goes on under its name, with a key that signed before or beside one that did.
func TestContinue(t *testing.T) {
	t.Parallel()
	load := func(name string, privates ...string) *sign.Keys {
		t.Helper()
		cfg := sign.Config{Origin: name}
		for _, p := range privates {
			cfg.Keys = append(cfg.Keys, keyFile(t, p))
		}
		keys, err := sign.Load(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	first, _ := newKey(t, origin)
	second, _ := newKey(t, origin)
	renamed, _ := newKey(t, "renamed.example")
	old := load(origin, first)
	text := verify.Checkpoint{Origin: origin, Size: 1}.Text()
	for name, c := range map[string]struct {
		keys *sign.Keys
		lost string
		want string
	}{
		"the same key":           {old, "", ""},
		"old and new":            {load(origin, first, second), "", ""},
		"new alone":              {load(origin, second), "", "old and the new key together"},
		"new, the old was lost":  {load(origin, second), old.Signers()[0], ""},
		"new, another was lost":  {load(origin, second), "log.example/audit+00000000", "old and the new key together"},
		"another name":           {load("renamed.example", renamed), "", "another name"},
		"another name, key lost": {load("renamed.example", renamed), old.Signers()[0], "another name"},
	} {
		err := c.keys.Continue(text, old.Signers(), c.lost)
		if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := old.Continue("damaged", old.Signers(), ""); err == nil {
		t.Error("a damaged checkpoint was continued")
	}
}
