package command

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Audit holds the commands about the audit log. None of them needs an account, but a receipt's owner one to
// fetch it.
type Audit struct {
	Verify  AuditVerify  `cmd:"" help:"Check a receipt, an export, or the live log."`
	Witness AuditWitness `cmd:"" help:"Stand witness: remember the last checkpoint, cosign the next if the log only grew."`
	Key     AuditKey     `cmd:"" help:"Make the key pair of a log or of a witness."`
}

// AuditKey is the command that makes a key pair.
type AuditKey struct {
	Kind string `arg:"" enum:"log,witness" help:"Whose key: log or witness."`
	Name string `arg:"" help:"Name that signatures bear: a log's origin, a witness's name; like a URL without https://."`
	Out  string `required:"" help:"File for the private key, which must not exist." placeholder:"FILE"`
}

// Help is the longer text of --help.
func (AuditKey) Help() string {
	return `Prints the public key, which is to be handed out, and writes the private key into a file that only its owner
may read. Whoever has a log's private key and its database can write another history, which only witnesses
can notice: so a witness's key belongs on another machine, in other hands.`
}

// Run makes the keys.
func (c *AuditKey) Run(to streams) error {
	generate := verify.GenerateLogKey
	if c.Kind == "witness" {
		generate = verify.GenerateWitnessKey
	}
	private, public, err := generate(rand.Reader, c.Name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the private key: %w", err)
	}
	if _, err := f.WriteString(private + "\n"); err != nil {
		return errors.Join(fmt.Errorf("write the private key: %w", err), f.Close())
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the private key: %w", err)
	}
	fmt.Fprintln(to.out, public)
	return nil
}

// trusted are the flags that say whom to believe.
type trusted struct {
	Key        []string `help:"Public key of the log, name+id+key; may be repeated." placeholder:"KEY" sep:"none" group:"Whom to believe"`
	KeyFile    []string `name:"key-file" help:"File of public keys of the log, one on a line." placeholder:"FILE" sep:"none" group:"Whom to believe"`
	WitnessKey []string `name:"witness-key" help:"Public key of a witness; may be repeated." placeholder:"KEY" sep:"none" group:"Whom to believe"`
	Quorum     int      `default:"-1" help:"Witnesses that must have cosigned; all that are named, when left out." group:"Whom to believe"`
}

// trust reads the keys.
func (t *trusted) trust() (*verify.Trust, error) {
	keys := slices.Clone(t.Key)
	for _, file := range t.KeyFile {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the log's keys: %w", err)
		}
		keys = append(keys, verify.Keys(string(text))...)
	}
	if len(keys) == 0 {
		return nil, errors.New("the log's public key is needed: --key or --key-file")
	}
	quorum := t.Quorum
	if quorum < 0 {
		quorum = len(t.WitnessKey)
	}
	return verify.NewTrust(keys, t.WitnessKey, quorum)
}

// describe says what a checkpoint that was opened stands on.
func describe(s *verify.Signed) string {
	var ids []string
	for _, k := range s.Keys {
		ids = append(ids, fmt.Sprintf("%08x", k))
	}
	text := fmt.Sprintf("%s, %d leaves, signed with key %s", s.Origin, s.Size, strings.Join(ids, " and "))
	for _, c := range s.Cosignatures {
		text += fmt.Sprintf("\n  witnessed by %s on %s", c.Witness, c.At.Format("2006-01-02 15:04:05 MST"))
	}
	if len(s.Cosignatures) == 0 {
		text += "\n  no witness that you named has cosigned it: until one has, whoever holds database and key can still write another history"
	}
	return text
}

// untrue tells what is wrong from what could not be checked.
func untrue(err error) error {
	for _, wrong := range []error{verify.ErrCheckpoint, verify.ErrSignature, verify.ErrQuorum, verify.ErrReceipt, verify.ErrExport,
		verify.ErrInclusion, verify.ErrConsistency, verify.ErrFork, verify.ErrRollback, verify.ErrLeaf, verify.ErrNonce, verify.ErrEmpty} {
		if errors.Is(err, wrong) {
			return fmt.Errorf("%w: %w", errUntrue, err)
		}
	}
	return err
}
