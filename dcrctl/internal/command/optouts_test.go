package command

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

const rowsCSV = `row_id,nhs_number,family_name,given_names,birth_date,postcode,choice,channel,evidence,requester,received_on
7,` + nhsNumber + `,Anning,,1980-05-21,,out,post,x,self,
`

// officerSuite is a gateway that answers one path, to one token.
type officerSuite struct {
	*httptest.Server
	token atomic.Value
	calls atomic.Int32
}

func newOfficerSuite(t *testing.T, path, answer string) *officerSuite {
	t.Helper()
	s := &officerSuite{}
	s.token.Store("secret-of-RDY")
	mux := http.NewServeMux()
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+s.token.Load().(string) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			fmt.Fprint(w, answer)
		}
	})
	s.Server = httptest.NewTLSServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *officerSuite) caFile(t *testing.T) string {
	t.Helper()
	return file(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
}

func (s *officerSuite) stackFile(t *testing.T) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"gateway_url": s.URL, "ca_file": s.caFile(t),
		"systems": []map[string]string{{"ods_code": "RDY", "token": "of a system"}},
		"staff":   []map[string]string{{"role_code": "R0260", "token": "of a GP"}, {"role_code": "R0001", "token": "secret-of-RDY"}}})
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "stack.json", string(text))
}

const takenAnswer = `{"results":[{"row_id":"7","outcome":"ROW_OUTCOME_TAKEN","opt_out_id":"0193","reference":"K7M2-9QXT-4WPC"}]}`

func TestOptOutsImport(t *testing.T) {
	s := newOfficerSuite(t, "POST /v1/opt-out-imports/old:import", takenAnswer)
	register, report := file(t, "register.csv", rowsCSV), filepath.Join(t.TempDir(), "report.csv")
	stack := s.stackFile(t)
	args := []string{"opt-outs", "import", "--stack", stack, "--register", "old"}
	if code, out := dcrctl(t, t.Context(), append(args, "--report", report, register)...); code != exitOK || !strings.Contains(out, "1 rows taken as candidates, 0 taken before") {
		t.Errorf("%d\n%s", code, out)
	}
	if text, err := os.ReadFile(report); err != nil || !strings.Contains(string(text), "2,7,taken,,,0193,K7M2-9QXT-4WPC") {
		t.Errorf("report: %v\n%s", err, text)
	}
	if info, err := os.Stat(report); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the report is open to others: %v", info.Mode())
	}
	if code, out := dcrctl(t, t.Context(), append(args, register)...); code != exitOK || !strings.Contains(out, "1 taken before") || s.calls.Load() != 1 {
		t.Errorf("again: %d, %d calls\n%s", code, s.calls.Load(), out)
	}
	if code, out := dcrctl(t, t.Context(), append(args, "--report", report, register)...); code != exitFailure || !strings.Contains(out, "not written over") {
		t.Errorf("a report was written over: %d\n%s", code, out)
	}
	if code, out := dcrctl(t, t.Context(), append(args, "--dry-run", register)...); code != exitOK || !strings.Contains(out, "2,7,taken") || s.calls.Load() != 2 {
		t.Errorf("dry run: %d, %d calls\n%s", code, s.calls.Load(), out)
	}
	faulty := file(t, "faulty.csv", strings.Replace(rowsCSV, ",post,", ",fax,", 1))
	if code, out := dcrctl(t, t.Context(), append(args, faulty)...); code != exitRefused || !strings.Contains(out, "faulty UNKNOWN_WORD channel: 1 rows, lines 2") {
		t.Errorf("faulty: %d\n%s", code, out)
	}
	torn := file(t, "torn.csv", strings.TrimSuffix(rowsCSV, "\n"))
	if code, out := dcrctl(t, t.Context(), append(args, torn)...); code != exitFailure || !strings.Contains(out, "cut off") {
		t.Errorf("torn: %d\n%s", code, out)
	}
}

// TestTokenFileIsReadAgain: a token that ended is renewed by whoever holds it, and the import goes on.
func TestTokenFileIsReadAgain(t *testing.T) {
	s := newOfficerSuite(t, "GET /v1/opt-out-imports/old", `{"progress":{"register":"old","candidates":9,"ready":4,"waiting":3,"effective":1,"ended":1}}`)
	token := file(t, "token", "secret-of-RDY\n")
	args := []string{"opt-outs", "status", "--gateway", s.URL, "--ca-file", s.caFile(t), "--token-file", token, "--register", "old"}
	if code, out := dcrctl(t, t.Context(), args...); code != exitOK || !strings.Contains(out, "9 candidates: 4 ready to be signed off, 3 waiting, 1 effective, 1 ended") {
		t.Errorf("%d\n%s", code, out)
	}
	s.token.Store("another")
	if code, out := dcrctl(t, t.Context(), args...); code != exitFailure || !strings.Contains(out, "401") || s.calls.Load() != 3 {
		t.Errorf("%d, %d calls\n%s", code, s.calls.Load(), out)
	}
}

func TestOptOutsExportAndSignOff(t *testing.T) {
	page := `{"rows":[{"row_id":"K7M2-9QXT-4WPC","person":{"nhs_number":"` + nhsNumber + `","family_name":"Anning","birth_date":"1980-05-21"},"choice":"CHOICE_OUT","channel":"CHANNEL_POST","evidence":"=x","requester":"REQUESTER_SELF","received_on":"2018-03-01"}]}`
	s := newOfficerSuite(t, "POST /v1/opt-outs:export", page)
	to := filepath.Join(t.TempDir(), "out.csv")
	if code, out := dcrctl(t, t.Context(), "opt-outs", "export", "--stack", s.stackFile(t), to); code != exitOK || !strings.Contains(out, "1 people are opted out") {
		t.Errorf("%d\n%s", code, out)
	}
	text, err := os.ReadFile(to)
	if err != nil || !strings.Contains(string(text), "K7M2-9QXT-4WPC,"+nhsNumber+",Anning,,1980-05-21,,out,post,'=x,self,2018-03-01\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the export is open to others: %v", info.Mode())
	}
	gone := newOfficerSuite(t, "POST /v1/elsewhere", "")
	half := filepath.Join(t.TempDir(), "half.csv")
	if code, _ := dcrctl(t, t.Context(), "opt-outs", "export", "--stack", gone.stackFile(t), half); code != exitFailure {
		t.Errorf("a failed export: %d", code)
	}
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("half an export is left: %v", err)
	}
	signing := newOfficerSuite(t, "POST /v1/opt-out-imports/old:signOff", `{"effective":3,"duplicates":1,"left":0}`)
	if code, out := dcrctl(t, t.Context(), "opt-outs", "sign-off", "--stack", signing.stackFile(t), "--register", "old", "--ready", "4", "--note", "decided"); code != exitOK ||
		!strings.Contains(out, "3 made effective, 1 opted out already, 0 ready are left") {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestOptOutsCommandLine(t *testing.T) {
	for want, args := range map[string][]string{
		"needed: --stack, or both --gateway": {"opt-outs", "status", "--register", "old"},
		"--stack stands alone":               {"opt-outs", "status", "--register", "old", "--stack", "x", "--gateway", "https://x"},
		"missing flags: --register":          {"opt-outs", "import", "--stack", "x", "y"},
		"--batch is 1 to 200":                {"opt-outs", "import", "--stack", "x", "--register", "old", "--batch", "201", "y"},
		"read the register":                  {"opt-outs", "import", "--stack", "x", "--register", "old", "/nowhere"},
		"--ready is at least 1":              {"opt-outs", "sign-off", "--stack", "x", "--register", "old", "--ready", "0", "--note", "n"},
		"no https URL":                       {"opt-outs", "status", "--gateway", "http://x", "--token-file", "x", "--register", "old"},
		"does `make run` run?":               {"opt-outs", "status", "--stack", "/nowhere", "--register", "old"},
		"--attempts is at least 1":           {"opt-outs", "status", "--stack", "x", "--attempts", "0", "--register", "old"},
	} {
		if code, out := dcrctl(t, t.Context(), args...); code != exitFailure || !strings.Contains(out, want) {
			t.Errorf("%v: %d, want %q in\n%s", args, code, want, out)
		}
	}
	for _, sub := range []string{"import", "status", "sign-off", "export"} {
		if code, out := dcrctl(t, t.Context(), "opt-outs", sub, "--help"); code != exitOK || !strings.Contains(out, "dcrctl opt-outs "+sub+" --stack .run/stack.json") {
			t.Errorf("%s --help has no example: %d\n%s", sub, code, out)
		}
	}
}
