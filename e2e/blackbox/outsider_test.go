package blackbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// receiptLimit is how long a receipt that a witness stands behind may take.
const receiptLimit = 30 * time.Second

// outsider is what somebody can check who trusts nobody here: receipts, the live log, and the log as a tool of
// another project reads it; and what the operator can check from within.
func (s *suite) outsider(t *testing.T) {
	t.Run("receipt", s.receiptHolds)
	t.Run("export", s.exported)
	t.Run("live log", s.liveLog)
	t.Run("a tool of another project", s.oracle)
	t.Run("the witness beside the suite", s.witnessed)
	t.Run("a second witness", s.secondWitness)
	t.Run("fsck", s.fsck)
}

// receiptHolds follows a view to the file that proves it, and the file through the offline check.
func (s *suite) receiptHolds(t *testing.T) {
	paramedic, person := s.signIn(t, "R1070"), s.tagged(t, county.TagRich)
	view, err := s.rest[0].Get(t.Context(), "/v1/patients/"+person.NHSNumber+"/record", paramedic.token)
	if err != nil || view.Status != http.StatusOK {
		t.Fatalf("view: %v", err)
	}
	path := "/v1/audit/receipts/" + view.Header.Get("Dcr-Event-Id")
	receipt := s.witnessedReceipt(t, path, paramedic.token)
	file := filepath.Join(t.TempDir(), "receipt.tlog-proof")
	if err := os.WriteFile(file, receipt, 0o600); err != nil {
		t.Fatal(err)
	}
	audit := s.stack.Audit()
	check := []string{"audit", "verify", "--key-file", audit.KeyFile, "--witness-key", audit.WitnessKey, file}
	if text, code := s.program(t, "dcrctl", nil, check...); code != 0 || !strings.Contains(text, "record.view") || !strings.Contains(text, "witnessed by") {
		t.Errorf("%d\n%s", code, text)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(receipt), "\nindex ", "\nindex 1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, code := s.program(t, "dcrctl", nil, check...); code != 2 || !strings.Contains(text, "NOT TRUE") {
		t.Errorf("a changed receipt: %d\n%s", code, text)
	}
	stranger := s.hire(t, "R1110", "RBD", "")
	for name, token := range map[string]string{"somebody else": stranger.token, "the administrator": s.admin.token} {
		if answer, err := s.rest[1].Get(t.Context(), path, token); err != nil || answer.Status/100 == 2 {
			t.Errorf("%s got another's receipt: %v", name, err)
		}
	}
	if answer, err := s.rest[1].Get(t.Context(), path, s.officer.token); err != nil || answer.Status != http.StatusOK {
		t.Errorf("the privacy officer got no receipt: %v", err)
	}
}

// witnessedReceipt waits until a receipt stands under a checkpoint that the witness has cosigned.
func (s *suite) witnessedReceipt(t *testing.T, path, token string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), receiptLimit)
	defer cancel()
	name, _, _ := strings.Cut(s.stack.Audit().WitnessKey, "+")
	for {
		answer, err := s.rest[0].Get(ctx, path, token)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status == http.StatusOK && strings.Contains(string(answer.Body), "— "+name+" ") {
			return answer.Body
		}
		if answer.Status != http.StatusOK && answer.Reason() != "RECEIPT_NOT_READY" {
			t.Fatalf("receipt: %v", answer.Err())
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no witnessed receipt: %d %s", answer.Status, answer.Reason())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// exported writes the log for an auditor, and checks it as one; that it was written is in the log.
func (s *suite) exported(t *testing.T) {
	began := time.Now().Add(-time.Second)
	audit, dir := s.stack.Audit(), filepath.Join(t.TempDir(), "export")
	env := []string{"DCR_DATABASE_URL=" + s.stack.DatabaseURL(postgres.AppRole("audit"))}
	if text, code := s.program(t, "audit-svc", env, "export", dir, "--key-file", audit.KeyFile, "--witness-key", audit.WitnessKey); code != 0 {
		t.Fatalf("%d\n%s", code, text)
	}
	if text, code := s.program(t, "dcrctl", nil, "audit", "verify", "--key-file", audit.KeyFile, "--witness-key", audit.WitnessKey, dir); code != 0 || !strings.Contains(text, "the whole log as it was at that checkpoint") {
		t.Errorf("%d\n%s", code, text)
	}
	for _, e := range s.eventsSince(t, began) {
		if e.GetAction() == "audit.export" && e.GetDisclosure().GetEntries() > 0 {
			return
		}
	}
	t.Error("the log does not say that it was exported")
}

// liveLog looks twice, through both gateways, with nothing but the key.
func (s *suite) liveLog(t *testing.T) {
	audit := s.stack.Audit()
	seen := filepath.Join(t.TempDir(), "seen")
	for i, g := range s.stack.Gateways() {
		text, code := s.program(t, "dcrctl", nil, "audit", "verify", "--key", audit.Key, "--ca-file", s.stack.CAFile(), "--url", g.URL+"/tlog", "--remember", seen, "--whole")
		if code != 0 || !strings.Contains(text, "Its tiles are the tree that it signed.") || i > 0 && !strings.Contains(text, "It only grew") {
			t.Errorf("gateway %d: %d\n%s", i+1, code, text)
		}
		if answer, err := s.rest[i].Get(t.Context(), "/v1/me", s.officer.token); err != nil || answer.Status != http.StatusOK {
			t.Fatal(err) // it is an event, so that the log grows
		}
	}
	for _, entries := range []string{"/tlog/tile/entries/000", "/tlog/tile/entries/000.p/1", "/tlog/tile/data/000"} {
		if answer, err := s.rest[0].Get(t.Context(), entries, ""); err != nil || answer.Status != http.StatusNotFound {
			t.Errorf("%s: %+v, %v", entries, answer.Status, err)
		}
	}
}

// oracle lets Tessera's client and fsck read the log.
func (s *suite) oracle(t *testing.T) {
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tlog-oracle")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	build.Dir, build.Env = filepath.Join(root, "tools", "tlog-oracle"), append(os.Environ(), "GOWORK=off")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the oracle: %v\n%s", err, text)
	}
	audit := s.stack.Audit()
	text, err := exec.CommandContext(t.Context(), path, "-url", audit.LogURL, "-ca-file", s.stack.CAFile(), "-key", audit.Key).CombinedOutput()
	if err != nil || !strings.Contains(string(text), "Tessera's fsck finds every tile right") {
		t.Errorf("%v\n%s", err, text)
	}
	t.Logf("%s", text)
}

// witnessed asks the witness that the stack runs.
func (s *suite) witnessed(t *testing.T) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.stack.Audit().WitnessURL+"/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || !strings.HasPrefix(string(text), "OK") || !strings.Contains(string(text), "Last cosigned on") {
		t.Errorf("%v\n%s", err, text)
	}
}

// secondWitness is anybody's: it asks the log, and needs nobody's leave.
func (s *suite) secondWitness(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "witness.key")
	if text, code := s.program(t, "dcrctl", nil, "audit", "key", "witness", "second.example", "--out", key); code != 0 {
		t.Fatal(text)
	}
	audit := s.stack.Audit()
	args := []string{"audit", "witness", "--once", "--url", audit.LogURL, "--ca-file", s.stack.CAFile(), "--log-key-file", audit.KeyFile,
		"--key-file", key, "--state", filepath.Join(dir, "state.json")}
	if text, code := s.program(t, "dcrctl", nil, append(args, "--init")...); code != 0 || !strings.Contains(text, "— second.example ") {
		t.Errorf("first look: %d\n%s", code, text)
	}
	if answer, err := s.rest[0].Get(t.Context(), "/v1/me", s.officer.token); err != nil || answer.Status != http.StatusOK {
		t.Fatal(err)
	}
	if text, code := s.program(t, "dcrctl", nil, args...); code != 0 {
		t.Errorf("second look: %d\n%s", code, text)
	}
}

// fsck checks the running database, as the role that the service has.
func (s *suite) fsck(t *testing.T) {
	audit := s.stack.Audit()
	env := []string{"DCR_DATABASE_URL=" + s.stack.DatabaseURL(postgres.AppRole("audit"))}
	if text, code := s.program(t, "audit-svc", env, "fsck", "--key-file", audit.KeyFile, "--witness-key", audit.WitnessKey); code != 0 || !strings.Contains(text, "All fits") {
		t.Errorf("%d\n%s", code, text)
	}
}

// program runs one of the suite's programs, and gives what it said and its exit code.
func (s *suite) program(t *testing.T, name string, env []string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), s.stack.Program(name), args...)
	cmd.Env = append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
