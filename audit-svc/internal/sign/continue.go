package sign

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Whoever trusts the log knows its name and a key. Both may not change under them unnoticed.
var (
	errRenamed = errors.New("the log in the database bears another name than DCR_AUDIT_ORIGIN")
	errNewKeys = errors.New("none of the keys of DCR_AUDIT_SIGNING_KEYS signed the newest checkpoint: name the old and the new key together until one was signed by both")
)

// Continue tells whether these keys may go on with a log whose newest checkpoint has this text and was
// signed by these keys: nil, or why the process must not start. The loss of a key is no fault that
// anybody can undo, so a lost signer may be named: then nothing ties the new key to the log but the
// operator's word, which docs/operations/audit-keys.md says to publish.
func (k *Keys) Continue(text string, signers []string, lost string) error {
	c, err := verify.ParseCheckpoint(text)
	if err != nil {
		return fmt.Errorf("read newest checkpoint: %w", err)
	}
	if c.Origin != k.origin {
		return errRenamed
	}
	if lost != "" && slices.Contains(signers, lost) {
		return nil
	}
	if !slices.ContainsFunc(k.Signers(), func(s string) bool { return slices.Contains(signers, s) }) {
		return fmt.Errorf("%w (it was signed by %s)", errNewKeys, strings.Join(signers, ", "))
	}
	return nil
}
