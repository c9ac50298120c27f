package app

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/witness"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// known are whose signatures a command checks: those that are named, else those that serve has.
type known struct {
	Key         []string `help:"Public key of the log, name+id+key, also one that no longer signs; may be repeated." placeholder:"KEY" sep:"none"`
	KeyFile     []string `name:"key-file" help:"File of public keys of the log, one on a line." placeholder:"FILE" sep:"none"`
	SigningKeys []string `name:"audit-signing-keys" env:"DCR_AUDIT_SIGNING_KEYS" help:"Files with private keys of the log, to take the public ones from when no others are named." hidden:""`
	Origin      string   `name:"audit-origin" env:"DCR_AUDIT_ORIGIN" hidden:"" help:"Name of the log, with --audit-signing-keys."`
	WitnessKey  []string `name:"witness-key" help:"Public key of a witness; may be repeated. Those of DCR_AUDIT_WITNESSES when none is named." placeholder:"KEY" sep:"none"`
	Witnesses   []string `name:"audit-witnesses" env:"DCR_AUDIT_WITNESSES" hidden:"" help:"Witnesses as serve has them: key=URL."`
}

// trust reads the keys.
func (k *known) trust() (*verify.Trust, error) {
	keys := slices.Clone(k.Key)
	for _, file := range k.KeyFile {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the log's keys: %w", err)
		}
		keys = append(keys, verify.Keys(string(text))...)
	}
	if len(keys) == 0 && len(k.SigningKeys) > 0 {
		own, err := sign.Load(sign.Config{Origin: k.Origin, Keys: k.SigningKeys})
		if err != nil {
			return nil, err
		}
		keys = own.Public()
	}
	if len(keys) == 0 {
		return nil, errors.New("the log's public key is needed: --key or --key-file")
	}
	witnesses := slices.Clone(k.WitnessKey)
	if len(witnesses) == 0 {
		peers, err := witness.Config{Witnesses: k.Witnesses}.Peers()
		if err != nil {
			return nil, err
		}
		for _, p := range peers {
			witnesses = append(witnesses, p.Verifier)
		}
	}
	return verify.NewTrust(keys, witnesses, 0)
}
