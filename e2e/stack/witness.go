package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Names that signatures under the demonstration's checkpoints bear.
const (
	auditOrigin = "audit.dorsetcarerecord.example/log"
	witnessName = "witness.dorsetcarerecord.example/demonstration"
)

// Audit is what somebody outside needs to check the log of a run.
type Audit struct {
	// LogURL is the URL above the log's checkpoint.
	LogURL string `json:"log_url"`
	// KeyFile holds the log's public key, and Key is the same.
	KeyFile string `json:"key_file"`
	Key     string `json:"key"`
	// WitnessURL of the witness that runs beside the suite, and WitnessKey of its signatures.
	WitnessURL string `json:"witness_url"`
	WitnessKey string `json:"witness_key"`
}

// Audit of this run.
func (s *Stack) Audit() Audit {
	a := s.audit
	if len(s.gateways) > 0 {
		a.LogURL = s.gateways[0].URL + "/tlog"
	}
	return a
}

// startWitness makes the keys of the log and of a witness, and starts the witness. It is a witness for
// demonstration: a real one belongs on another machine, in other hands.
func (s *Stack) startWitness(ctx context.Context) error {
	var err error
	s.audit.KeyFile = s.path("config", "audit-log.pub")
	if s.audit.Key, err = s.auditKey(ctx, "log", auditOrigin, "audit-log"); err != nil {
		return err
	}
	if s.audit.WitnessKey, err = s.auditKey(ctx, "witness", witnessName, "witness"); err != nil {
		return err
	}
	port, err := FreePort()
	if err != nil {
		return err
	}
	state := s.path("witness", "state.json")
	common := []string{"audit", "witness", "--log-key-file", s.audit.KeyFile, "--key-file", s.path("config", "witness.key"), "--state", state}
	if _, err := os.Stat(state); errors.Is(err, fs.ErrNotExist) {
		if text, err := exec.CommandContext(ctx, filepath.Join(s.cfg.BinDir, "dcrctl"), append(common, "--init")...).CombinedOutput(); err != nil {
			return fmt.Errorf("make the witness's memory: %w\n%s", err, text)
		}
	}
	s.audit.WitnessURL = "http://" + loopback(port)
	p, err := StartProcess(ctx, Spec{Name: "witness", Program: filepath.Join(s.cfg.BinDir, "dcrctl"), Args: append(common, "--listen", loopback(port)),
		Env: map[string]string{"GOMAXPROCS": strconv.Itoa(threads())}, ReadyURL: s.audit.WitnessURL + "/status", LogDir: s.path("log")})
	if err != nil {
		return err
	}
	s.processes = append(s.processes, p)
	s.say("  witness of the audit log: %s/status", s.audit.WitnessURL)
	return nil
}

// auditKey makes a key pair below config, or finds that of an earlier run, and gives the public key.
func (s *Stack) auditKey(ctx context.Context, kind, name, file string) (string, error) {
	private, public := s.path("config", file+".key"), s.path("config", file+".pub")
	if text, err := os.ReadFile(public); err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	// A private key without its public half is what a run left that was cut off here.
	if err := os.Remove(private); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text, err := exec.CommandContext(ctx, filepath.Join(s.cfg.BinDir, "dcrctl"), "audit", "key", kind, name, "--out", private).Output()
	if err != nil {
		return "", fmt.Errorf("make the %s's key: %w", kind, err)
	}
	if err := os.WriteFile(public+".new", text, 0o644); err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), os.Rename(public+".new", public)
}

// auditSettings tell audit-svc its keys and its witness.
func (s *Stack) auditSettings() map[string]string {
	return map[string]string{
		"DCR_AUDIT_ORIGIN":       auditOrigin,
		"DCR_AUDIT_SIGNING_KEYS": s.path("config", "audit-log.key"),
		"DCR_AUDIT_WITNESSES":    s.audit.WitnessKey + "=" + s.audit.WitnessURL,
	}
}
