package blackbox_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// What the shared data's own README says of synthea-dorset.
const (
	syntheaBundles  = 207
	syntheaAccepted = 199
	syntheaPeople   = 59
)

// syntheaRun is the state of the part.
type syntheaRun struct {
	*suite
	files   []sharedFile
	numbers []string                  // of people whom the county's organisations sent
	wanted  map[string]map[string]int // entries by person and section, counted from the files
	social  member                    // sees social care and safeguarding in full
	gp      member                    // sees the rest in full
	tokens  map[string]member         // systems by ODS code
}

// synthea sends the whole folder twice (issue 2, section 9).
func (s *suite) synthea(t *testing.T) {
	files := shared(t, filepath.Join("synthea-dorset", "*", "*.json"))
	if files == nil {
		return
	}
	r := &syntheaRun{
		suite: s, files: files, wanted: map[string]map[string]int{}, tokens: map[string]member{},
		gp: s.hire(t, "R0260", hospital, ""), social: s.hire(t, "R9520", council, ""),
	}
	began := time.Now().Add(-time.Second)
	accepted, refused := r.send(t)
	if len(files) != syntheaBundles || accepted != syntheaAccepted || len(refused) != syntheaBundles-syntheaAccepted || len(r.numbers) != syntheaPeople {
		t.Errorf("of %d bundles %d of %d people were accepted, %d refused", len(files), accepted, len(r.numbers), len(refused))
	}
	r.checkRefused(t, refused, began)
	before := r.views(t)
	r.checkCounts(t, before)
	if again, _ := r.send(t); again != accepted {
		t.Errorf("the second time %d bundles were accepted", again)
	}
	after := r.views(t)
	for number := range before {
		if diff := cmp.Diff(before[number], after[number], protocmp.Transform()); diff != "" {
			t.Fatalf("the second import changed somebody's record: %.600s", diff)
		}
	}
}

// send sends every file as the organisation that its name says, and counts for itself what it holds.
func (r *syntheaRun) send(t *testing.T) (accepted int, refused []sharedFile) {
	t.Helper()
	never, first := neverSharedCodes(t), len(r.numbers) == 0
	for _, f := range r.files {
		number, ods := filepath.Base(filepath.Dir(f.name)), strings.TrimSuffix(filepath.Base(f.name), ".json")
		if _, ok := r.tokens[ods]; !ok {
			r.tokens[ods] = r.system(t, ods)
		}
		got := r.ask(t, r.tokens[ods], feed(t, f.body))
		if got.status != http.StatusOK {
			if d := got.differs(http.StatusForbidden, "NO_ORGANISATION_CONSENT"); d != "" {
				t.Errorf("%s: %s", ods, d)
			}
			refused = append(refused, f)
			continue
		}
		accepted++
		if first {
			r.count(t, number, ods, f.body, never)
		}
	}
	if first {
		r.mu.Lock()
		r.suite.numbers = append(r.suite.numbers, r.numbers...)
		r.mu.Unlock()
	}
	return accepted, refused
}

// count counts the entries of a file by section, never-shared ones and those entered in error apart.
func (r *syntheaRun) count(t *testing.T, number, ods string, body []byte, never map[string]bool) {
	t.Helper()
	if r.wanted[number] == nil {
		r.wanted[number] = map[string]int{}
		r.numbers = append(r.numbers, number)
	}
	var bundle sharedBundle
	if err := json.Unmarshal(body, &bundle); err != nil {
		t.Fatal(err)
	}
	for _, e := range bundle.Entry {
		var resource sharedResource
		var whole any
		if json.Unmarshal(e.Resource, &resource) != nil || json.Unmarshal(e.Resource, &whole) != nil {
			t.Fatalf("%s: a resource that the test cannot read", ods)
		}
		section := sectionOf(resource.ResourceType, ods)
		if section == "" {
			t.Fatalf("the test has no section for %s", resource.ResourceType)
		}
		if !resource.enteredInError() && !carries(whole, never) {
			r.wanted[number][section]++
		}
	}
}

// checkRefused: of a refused bundle nothing is stored, and each refusal is an event.
func (r *syntheaRun) checkRefused(t *testing.T, refused []sharedFile, since time.Time) {
	t.Helper()
	events := 0
	for _, e := range r.events(t, &gatewayv1.ListEventsRequest{
		From: timestamppb.New(since), Action: "feed.submit", Outcome: auditv1.Outcome_OUTCOME_REFUSED,
	}) {
		if e.GetReason() == "NO_ORGANISATION_CONSENT" {
			events++
		}
	}
	if events != len(refused) {
		t.Errorf("%d refusals in the log of %d bundles refused", events, len(refused))
	}
	for _, f := range refused {
		number := filepath.Base(filepath.Dir(f.name))
		if !slices.Contains(r.numbers, number) && r.known(t, number) {
			t.Error("somebody is known of whom every bundle was refused")
		}
	}
}

// views are the sections of everybody, those in full of whoever sees them so.
func (r *syntheaRun) views(t *testing.T) map[string]map[string]*recordv1.SectionView {
	t.Helper()
	all := map[string]map[string]*recordv1.SectionView{}
	for _, number := range r.numbers {
		all[number] = map[string]*recordv1.SectionView{}
		for _, who := range []member{r.social, r.gp} {
			r.care(t, who, number)
			for _, section := range r.record(t, who, number).GetRecord().GetSections() {
				if section.GetLevel() == "full" {
					all[number][section.GetSection()] = section
				}
			}
		}
		if len(all[number]) != len(sectionOrder()) {
			t.Errorf("only %d sections are seen in full", len(all[number]))
		}
	}
	return all
}

// care gives a member a relationship with a person, unless there is one.
func (r *syntheaRun) care(t *testing.T, who member, number string) {
	t.Helper()
	mine := &gatewayv1.ListCareRelationshipsResponse{}
	r.ask(t, who, &gatewayv1.ListCareRelationshipsRequest{NhsNumber: number}).into(t, mine)
	for _, one := range mine.GetCareRelationships() {
		if one.GetActive() {
			return
		}
	}
	r.declare(t, who, number, identityv1.RelationshipKind_RELATIONSHIP_KIND_EMERGENCY)
}

// checkCounts compares what is shown with what was counted from the files. An entry that several sent is
// shown once and counts as often as it was sent.
func (r *syntheaRun) checkCounts(t *testing.T, views map[string]map[string]*recordv1.SectionView) {
	t.Helper()
	totals := map[string]int{}
	for number, sections := range views {
		got := map[string]int{}
		for name, section := range sections {
			for _, e := range section.GetEntries() {
				got[name] += 1 + len(e.GetAlsoIds())
			}
			got[name] += len(section.GetAssertions())
			totals[name] += got[name]
		}
		for _, name := range sectionOrder() {
			if got[name] != r.wanted[number][name] {
				t.Errorf("somebody's %s: %d entries shown, %d in the files", name, got[name], r.wanted[number][name])
			}
		}
	}
	t.Logf("entries by section: %v", totals)
}
