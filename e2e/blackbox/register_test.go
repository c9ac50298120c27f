package blackbox_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

const (
	oldRegister    = "older-system"
	registerHeader = "row_id,nhs_number,family_name,given_names,birth_date,postcode,choice,channel,evidence,requester,received_on\n"
	// dcrctlRefused is the exit code of dcrctl when it has done its work and something was refused.
	dcrctlRefused = 2
)

// officersTool is dcrctl in a privacy officer's hands.
type officersTool struct {
	program string
	flags   []string
	// never is what it must not print.
	never []string
}

func (s *suite) officersTool(t *testing.T, never ...string) officersTool {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(s.officer.token), 0o600); err != nil {
		t.Fatal(err)
	}
	return officersTool{
		program: filepath.Join(programs(t.Context(), t), "dcrctl"), never: append(never, s.officer.token),
		flags: []string{"--gateway", s.rest[0].BaseURL, "--ca-file", s.stack.CAFile(), "--token-file", token},
	}
}

// run wants the exit code, and gives what was printed.
func (o officersTool) run(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), o.program, append(append([]string{"opt-outs"}, args...), o.flags...)...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("dcrctl opt-outs %v: %d (%v), want %d\n%s", args, got, err, code, out)
	}
	for _, text := range o.never {
		if strings.Contains(string(out), text) {
			t.Errorf("dcrctl opt-outs %v prints whom it is about or a token:\n%s", args, out)
		}
	}
	return string(out)
}

// oldRegister takes the register of an older system in with dcrctl, as a privacy officer would. Nothing takes
// effect until they say so (leaflet L10), and then it does at every gateway.
func (s *suite) oldRegister(t *testing.T) {
	people := []person{s.attended(t), s.attended(t)}
	who := s.hire(t, "R1070", ambulance, "")
	text, never := registerHeader, []string{}
	for i, p := range people {
		text += fmt.Sprintf("row-%d,%s,%s,%s,%s,,out,post,box %d,self,2018-03-01\n", i, p.number, p.family, p.given, p.birth, i)
		never = append(never, p.number, p.family)
	}
	text += fmt.Sprintf("row-born,%s,%s,,2999-01-01,,out,post,box 9,self,2018-03-01\n", people[0].number, people[0].family)
	file := written(t, "register.csv", text)
	tool, state := s.officersTool(t, never...), t.TempDir()
	take := []string{"import", "--register", oldRegister, "--state-dir", state}

	if out := tool.run(t, dcrctlRefused, append(take, "--dry-run", file)...); !strings.Contains(out, "4,row-born,faulty,DATE_IN_THE_FUTURE,person.birth_date,,") {
		t.Errorf("dry run:\n%s", out)
	}
	s.ask(t, s.officer, &gatewayv1.GetOptOutImportRequest{Register: oldRegister}).want(t, http.StatusNotFound, "IMPORT_NOT_FOUND")

	for _, want := range []string{"2 rows taken as candidates, 0 taken before, 1 faulty", "0 rows taken as candidates, 2 taken before, 1 faulty"} {
		if out := tool.run(t, dcrctlRefused, append(take, file)...); !strings.Contains(out, want) {
			t.Errorf("want %q:\n%s", want, out)
		}
	}
	if out := tool.run(t, dcrctlRefused, append(take, "--again", file)...); !strings.Contains(out, "0 rows taken as candidates, 2 taken before, 1 faulty") {
		t.Errorf("again, without its journal:\n%s", out)
	}
	s.awaitReady(t, tool, "2 candidates: 2 ready to be signed off, 0 waiting, 0 effective, 0 ended")
	for _, p := range people {
		s.record(t, who, p.number) // nothing has taken effect
	}
	const exitFailure = 1
	tool.run(t, exitFailure, "sign-off", "--register", oldRegister, "--ready", "3", "--note", "the wrong number")
	s.record(t, who, people[0].number)
	if out := tool.run(t, 0, "sign-off", "--register", oldRegister, "--ready", "2", "--note", "decided in November"); !strings.Contains(out, "2 made effective") {
		t.Errorf("signed off:\n%s", out)
	}
	for gateway := range s.rest {
		for _, p := range people {
			s.askAt(t, gateway, who, &gatewayv1.GetRecordRequest{NhsNumber: p.number}).want(t, http.StatusForbidden, "NO_PATIENT_CONSENT")
		}
	}
	s.exportedRegister(t, tool, people)
}

// awaitReady waits until the candidates were matched: that is done in the background.
func (s *suite) awaitReady(t *testing.T, tool officersTool, want string) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		out := tool.run(t, 0, "status", "--register", oldRegister)
		if strings.Contains(out, want) {
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("candidates are not ready: %s", out)
		}
	}
}

// exportedRegister: who is opted out is in the export, once, and the export is a register that can be taken in.
func (s *suite) exportedRegister(t *testing.T, tool officersTool, people []person) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "out.csv")
	tool.run(t, 0, "export", file)
	text, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(text), registerHeader) {
		t.Fatalf("%v\n%.200s", err, text)
	}
	for _, p := range people {
		if n := strings.Count(string(text), p.number); n != 1 {
			t.Errorf("somebody who is opted out is in the export %d times", n)
		}
	}
	rows := strings.Count(string(text), "\n") - 1
	want := fmt.Sprintf("%d rows would be taken as candidates, 0 taken before, 0 faulty", rows)
	if out := tool.run(t, 0, "import", "--register", "another", "--dry-run", "--report", filepath.Join(t.TempDir(), "report.csv"), file); !strings.Contains(out, want) {
		t.Errorf("the export is no register: want %q\n%s", want, out)
	}
}

// written writes a file.
func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
