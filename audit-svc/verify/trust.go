package verify

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
)

var (
	// ErrSignature is returned for a checkpoint that no key of the log signed, or with a signature of a
	// known key that is wrong.
	ErrSignature = errors.New("the checkpoint is not signed by the log")
	// ErrQuorum is returned for a checkpoint that too few known witnesses cosigned.
	ErrQuorum = errors.New("too few witnesses have cosigned the checkpoint")
)

// Trust is whom a verifier believes: the keys of one log, and witnesses of whom a number must have
// cosigned. It is made by NewTrust and never changes.
type Trust struct {
	origin    string
	log       []note.Verifier
	witnesses []note.Verifier
	quorum    int
	all       note.Verifiers
}

// NewTrust makes a Trust. The log's keys bear its origin as their name: two or more while keys are
// rotated, and old ones to read old receipts. Quorum is the number of different witnesses that must have
// cosigned; 0 takes the log's word. It returns ErrKey.
func NewTrust(logKeys, witnessKeys []string, quorum int) (*Trust, error) {
	t := &Trust{quorum: quorum}
	for _, s := range logKeys {
		v, err := note.NewVerifier(s)
		if err != nil {
			return nil, fmt.Errorf("key of the log: %w", ErrKey)
		}
		if t.origin != "" && v.Name() != t.origin {
			return nil, fmt.Errorf("%w: the keys of one log bear one name", ErrKey)
		}
		t.origin, t.log = v.Name(), append(t.log, v)
	}
	if len(t.log) == 0 {
		return nil, fmt.Errorf("%w: a key of the log is needed", ErrKey)
	}
	var names []string
	for _, s := range witnessKeys {
		v, err := newWitnessKey(s)
		if err != nil {
			return nil, fmt.Errorf("key of a witness: %w", err)
		}
		t.witnesses = append(t.witnesses, v)
		if !slices.Contains(names, v.name) {
			names = append(names, v.name)
		}
	}
	if quorum < 0 || quorum > len(names) {
		return nil, fmt.Errorf("%d witnesses are wanted, and keys of %d are known", quorum, len(names))
	}
	t.all = note.VerifierList(slices.Concat(t.log, t.witnesses)...)
	return t, nil
}

// Origin of the log.
func (t *Trust) Origin() string { return t.origin }

// Quorum is the number of witnesses that must have cosigned.
func (t *Trust) Quorum() int { return t.quorum }

// Cosignature is the word of a witness that it saw a checkpoint.
type Cosignature struct {
	// Witness who signed.
	Witness string
	// At is when, by its own clock.
	At time.Time
	// Line as it stands among the checkpoint's signatures, with its newline.
	Line string
}

// Signed is a checkpoint whose signatures were checked.
type Signed struct {
	Checkpoint
	// Message is the whole signed note, as it was given.
	Message string
	// Text is the part that is signed.
	Text string
	// Keys of the log that signed, as numbers.
	Keys []uint32
	// Lines are the log's own signatures as they stand in Message, each with its newline.
	Lines []string
	// Cosignatures of known witnesses.
	Cosignatures []Cosignature
}

// Open checks a signed checkpoint: a known key of the log signed it, every signature of a known key is
// right, its origin is the log's, and enough witnesses cosigned. Signatures of unknown keys are passed
// over. It returns ErrCheckpoint, ErrSignature or ErrQuorum.
func (t *Trust) Open(message []byte) (*Signed, error) {
	if len(message) > maxCheckpoint {
		return nil, ErrCheckpoint
	}
	n, err := note.Open(message, t.all)
	if err != nil {
		return nil, noteError(err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return nil, err
	}
	if c.Origin != t.origin {
		return nil, fmt.Errorf("%w: it is of another log", ErrSignature)
	}
	s := &Signed{Checkpoint: c, Message: string(message), Text: n.Text}
	if err := t.sort(s, n.Sigs); err != nil {
		return nil, err
	}
	if len(s.Keys) == 0 {
		return nil, ErrSignature
	}
	if s.witnesses() < t.quorum {
		return nil, fmt.Errorf("%w: %d of %d", ErrQuorum, s.witnesses(), t.quorum)
	}
	return s, nil
}

// sort tells the log's signatures from cosignatures. All of sigs are verified.
func (t *Trust) sort(s *Signed, sigs []note.Signature) error {
	for _, sig := range sigs {
		if slices.ContainsFunc(t.log, func(v note.Verifier) bool { return v.Name() == sig.Name && v.KeyHash() == sig.Hash }) {
			s.Keys, s.Lines = append(s.Keys, sig.Hash), append(s.Lines, line(sig))
			continue
		}
		at, err := cosignedAt(sig)
		if err != nil {
			return err
		}
		s.Cosignatures = append(s.Cosignatures, Cosignature{Witness: sig.Name, At: at, Line: line(sig)})
	}
	return nil
}

// line is a signature as it stands in a signed note.
func line(sig note.Signature) string { return fmt.Sprintf("— %s %s\n", sig.Name, sig.Base64) }

// witnesses counts different ones: a witness that rotates its key is still one.
func (s *Signed) witnesses() int {
	seen := map[string]bool{}
	for _, c := range s.Cosignatures {
		seen[c.Witness] = true
	}
	return len(seen)
}

// noteError turns the errors of package note into ours: a note that is none, or one that is not signed.
func noteError(err error) error {
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if errors.As(err, &unverified) || errors.As(err, &invalid) {
		return ErrSignature
	}
	return fmt.Errorf("%w: it is no signed note", ErrCheckpoint)
}
