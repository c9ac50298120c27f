package bundle_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/bundle"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/nevershared"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sharedData is the folder of the shared input data. CI sets DCR_REQUIRE_SHARED,
// and then its absence fails; elsewhere it is said and nothing is tested.
func sharedData(t *testing.T) (dir string, ok bool) {
	t.Helper()
	dir = os.Getenv("DCR_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, true
	}
	if os.Getenv("DCR_REQUIRE_SHARED") == "1" {
		t.Fatalf("the shared data are not at %s; set DCR_SHARED_DATA", dir)
	}
	t.Logf("NOT TESTED: the shared data are not at %s; set DCR_SHARED_DATA", dir)
	return "", false
}

// computed reads one bundle as a feed of an organisation, and makes its entries.
// Never-shared resources are counted apart.
func computed(t *testing.T, body []byte, sender section.Kind) (entries []section.Entry, never int, err error) {
	t.Helper()
	b, err := bundle.Decode(body, bundle.Options{Limits: bundle.Standard()})
	if err != nil {
		return nil, 0, err
	}
	settled, err := b.Settle(nil)
	if err != nil {
		return nil, 0, err
	}
	set, err := nevershared.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for i := range settled.Changes {
		c := &settled.Changes[i]
		if c.Supporting {
			continue
		}
		if _, matched := set.Match(c.Scan.Codes); matched {
			never++
			continue
		}
		entry, err := section.Compute(c.Resource, c.Raw, sender, settled.Find)
		if err != nil {
			return nil, 0, bundle.Unreadable(err, c.Index)
		}
		entries = append(entries, entry)
	}
	return entries, never, nil
}

func kindOf(ods string) section.Kind {
	switch {
	case strings.HasPrefix(ods, "E0"):
		return section.Council
	case strings.HasPrefix(ods, "J8"), strings.HasPrefix(ods, "L8"):
		return section.Practice
	}
	return section.Other
}

// TestSynthea reads every bundle of the shared data. The counts per section were
// made independently, from the files, by resource type and sender.
func TestSynthea(t *testing.T) {
	dir, ok := sharedData(t)
	if !ok {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "synthea-dorset", "*", "*.json"))
	if err != nil || len(files) != 207 {
		t.Fatalf("%d files, want 207 (%v)", len(files), err)
	}
	got, never := map[section.Name]int{}, 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		entries, hidden, err := computed(t, body, kindOf(filepath.Base(file)))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		never += hidden
		for _, entry := range entries {
			got[entry.Section]++
		}
	}
	want := map[section.Name]int{
		section.Allergies: 192, section.CarePlans: 177, section.Demographics: 207, section.History: 3153,
		section.Medication: 343, section.Results: 6099, section.SocialCare: 42,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if never != 37 {
		t.Errorf("%d never shared, want 37", never)
	}
}

// TestUKCore sends each example as a bundle around its patient, Richard Smith or
// itself. What is refused, and why, and what becomes of the rest, is the golden
// file.
func TestUKCore(t *testing.T) {
	dir, ok := sharedData(t)
	if !ok {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "uk-core-examples", "*.json"))
	if err != nil || len(files) != 72 {
		t.Fatalf("%d files, want 72 (%v)", len(files), err)
	}
	richard, err := os.ReadFile(filepath.Join(dir, "uk-core-examples", "UKCore-Patient-RichardSmith-Example.json"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	var lines []string
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "UKCore-"), "-Example.json")
		lines = append(lines, name+": "+fate(t, around(t, body, richard)))
	}
	golden(t, "ukcore.golden", strings.Join(lines, "\n")+"\n")
}

// around makes a transaction of a resource and, unless it is a person itself,
// its patient. A Bundle is sent as it is.
func around(t *testing.T, resource, patient []byte) []byte {
	t.Helper()
	put := func(raw []byte) string {
		var head struct{ ResourceType, ID string }
		if err := json.Unmarshal(raw, &head); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"resource":%s,"request":{"method":"PUT","url":"%s/%s"}}`, raw, head.ResourceType, head.ID)
	}
	var head struct{ ResourceType string }
	if err := json.Unmarshal(resource, &head); err != nil {
		t.Fatal(err)
	}
	entries := put(resource)
	switch head.ResourceType {
	case "Bundle":
		return resource
	case "Patient":
	default:
		entries = put(patient) + "," + entries
	}
	return []byte(`{"resourceType":"Bundle","type":"transaction","entry":[` + entries + `]}`)
}

// fate is what becomes of a bundle, on one line.
func fate(t *testing.T, body []byte) string {
	t.Helper()
	entries, never, err := computed(t, body, section.Other)
	var refusal *bundle.Refusal
	switch {
	case errors.As(err, &refusal):
		return fmt.Sprintf("refused %d %s %s", refusal.Status(), refusal.Reason, refusal.Expression)
	case err != nil:
		t.Fatal(err)
	case never > 0:
		return "never shared"
	case len(entries) == 1 && entries[0].Type == "Patient" && strings.Contains(string(body), `"Patient/UKCore`):
		return "kept beside the patient, no entry"
	}
	e := entries[len(entries)-1]
	line := fmt.Sprintf("%s | %s | %s|%s | %s | start %s end %s recorded %s", e.Section, e.Display, e.Code.System, e.Code.Code, e.Status,
		e.Start.Written, e.End.Written, e.Recorded.Written)
	if e.Value != "" {
		line += " | value " + e.Value
	}
	if e.Author != "" {
		line += " | by " + e.Author
	}
	if e.EnteredInError {
		line += " | entered in error"
	}
	if e.NoneKnown {
		line += " | none known"
	}
	if !e.Active {
		line += " | not active"
	}
	return line
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
