// Package sign holds the private keys of the log and signs checkpoints with them (C2SP signed-note,
// tlog-checkpoint). Keys come from files; wrong or half-present ones stop the process.
package sign

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Config says who signs. Both settings belong together, and none has a default.
type Config struct {
	// Origin is the name of the log for ever: the first line of checkpoints and the name of its keys.
	Origin string `name:"audit-origin" env:"DCR_AUDIT_ORIGIN" required:"" help:"Name of the log, without spaces and plus signs, e.g. audit.dorsetcarerecord.example/log. It never changes."`
	// Keys are files with one private key each.
	Keys []string `name:"audit-signing-keys" env:"DCR_AUDIT_SIGNING_KEYS" required:"" help:"Files with the log's private keys (dcrctl audit key log): one, or the old and the new one while keys are changed, when both sign."`
	// Lost is a key that cannot sign any more.
	Lost string `name:"audit-lost-key" env:"DCR_AUDIT_LOST_KEY" help:"Name and id (name+0123abcd) of a signing key that was lost, so that a new one may sign without it. Verifiers must then be told the new key; see docs/operations/audit-keys.md."`
}

// maxKeys sign at once: the old and the new one.
const maxKeys = 2

var (
	errOrigin = errors.New("DCR_AUDIT_ORIGIN must name the log, without spaces and plus signs")
	errCount  = errors.New("DCR_AUDIT_SIGNING_KEYS must name one file, or two while keys are changed")
	errKey    = errors.New("it must hold one private key of the log, PRIVATE+KEY+name+id+key, and nothing else")
	errTwice  = errors.New("both files hold the same key")
)

// Keys sign checkpoints. They never change; it is safe for use by many goroutines.
type Keys struct {
	origin string
	keys   []key
}

type key struct {
	signer note.Signer
	public string
}

// Load reads the keys. Its errors quote nothing of the files.
func Load(cfg Config) (*Keys, error) {
	if cfg.Origin == "" || strings.ContainsAny(cfg.Origin, " \t\r\n+") {
		return nil, errOrigin
	}
	if len(cfg.Keys) < 1 || len(cfg.Keys) > maxKeys {
		return nil, errCount
	}
	k := &Keys{origin: cfg.Origin}
	for _, file := range cfg.Keys {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("DCR_AUDIT_SIGNING_KEYS: %w", err)
		}
		made, err := parse(string(text), cfg.Origin)
		if err != nil {
			return nil, fmt.Errorf("DCR_AUDIT_SIGNING_KEYS: %s: %w", file, err)
		}
		if len(k.keys) > 0 && k.keys[0].public == made.public {
			return nil, fmt.Errorf("DCR_AUDIT_SIGNING_KEYS: %w", errTwice)
		}
		k.keys = append(k.keys, made)
	}
	return k, nil
}

// parse reads one key, which must be the log's.
func parse(text, origin string) (key, error) {
	private := strings.TrimSpace(text)
	signer, err := note.NewSigner(private)
	if err != nil {
		return key{}, errKey // the library's error says no more, and ours is sure to quote nothing
	}
	if signer.Name() != origin {
		return key{}, fmt.Errorf("the key is not that of DCR_AUDIT_ORIGIN: %w", errKey)
	}
	public, err := publicOf(private, signer)
	if err != nil {
		return key{}, err
	}
	return key{signer, public}, nil
}

// publicOf is the public half of a private key that package note has read.
func publicOf(private string, signer note.Signer) (string, error) {
	parts := strings.SplitN(private, "+", 5) // PRIVATE+KEY+name+id+data
	if len(parts) != 5 {
		return "", errKey
	}
	data, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return "", errKey
	}
	public, ok := ed25519.NewKeyFromSeed(data[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errKey
	}
	verifier, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return "", errKey
	}
	return verifier, nil
}

// Origin is the name of the log.
func (k *Keys) Origin() string { return k.origin }

// Public are the public keys, as everybody may have them: name+id+key.
func (k *Keys) Public() []string {
	all := make([]string, len(k.keys))
	for i, one := range k.keys {
		all[i] = one.public
	}
	return all
}

// Signers are the names and ids of the keys, "name+0123abcd".
func (k *Keys) Signers() []string {
	all := make([]string, len(k.keys))
	for i, one := range k.keys {
		all[i] = signerOf(one.signer)
	}
	return all
}

func signerOf(s note.Signer) string { return fmt.Sprintf("%s+%08x", s.Name(), s.KeyHash()) }

// Signature is a line under a checkpoint.
type Signature struct {
	// Signer is the name and id of the key.
	Signer string
	// Line as it stands in the note, with its newline.
	Line string
}

// Sign signs a checkpoint with every key, and gives its text and the signatures. What does not verify does
// not leave.
func (k *Keys) Sign(c verify.Checkpoint) (text string, signatures []Signature, err error) {
	if c.Origin != k.origin {
		return "", nil, fmt.Errorf("sign checkpoint: %w", errOrigin)
	}
	text = c.Text()
	for _, one := range k.keys {
		signed, err := note.Sign(&note.Note{Text: text}, one.signer)
		if err != nil {
			return "", nil, fmt.Errorf("sign checkpoint: %w", err)
		}
		trust, err := verify.NewTrust([]string{one.public}, nil, 0)
		if err != nil {
			return "", nil, fmt.Errorf("sign checkpoint: %w", err)
		}
		if _, err := trust.Open(signed); err != nil {
			return "", nil, fmt.Errorf("check own signature: %w", err)
		}
		signatures = append(signatures, Signature{Signer: signerOf(one.signer), Line: strings.TrimPrefix(string(signed), text+"\n")})
	}
	return text, signatures, nil
}
