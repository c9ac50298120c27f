package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// TestEntryIsByteForByte sends a resource with odd spaces, order, escapes and numbers.
func TestEntryIsByteForByte(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	odd := "{ \"id\":\"o\",\n\t\"resourceType\" : \"Observation\", \"unknown\":{\"x\":[1.50,1e3, null]},\"status\":\"final\",\"code\":{\"text\":\"O\\u0064d <b>\\\"&\\/\"}," +
		"\"subject\":{\"reference\":\"Patient/p\"},\"valueQuantity\":{\"value\":1.10},\"effectiveDateTime\":\"2026-01-01\" }"
	r.accept(t, hospital(), transaction(put(aliceAtHome()), `{"resource":`+odd+`,"request":{"method":"PUT","url":"Observation/o"}}`))
	g := grantFor(alice, whole())
	view, _ := r.record(t, g)
	detail, body := r.detail(t, g, entryID(t, view, `Odd <b>"&/`))
	if !bytes.Contains(body, []byte(odd)) {
		t.Errorf("not as it came: %s", body)
	}
	v := detail.GetVersions()
	if len(v) != 1 || v[0].GetVersion() != 1 || v[0].GetSource().GetOdsCode() != "R0D" || len(v[0].GetSha256()) != 64 || v[0].GetOrderedAt() == "" {
		t.Errorf("versions %v", v)
	}
	if detail.GetEntry().GetValue() != "1.10" || detail.GetEntry().GetSection() != "results" {
		t.Errorf("entry %v", detail.GetEntry())
	}
}

// notFound asks for an entry and wants to hear that there is none, in words that are always the same.
func (r *replica) notFound(t testing.TB, what string, g *recordv1.Grant, id string) {
	t.Helper()
	_, err := r.read.GetEntry(limit(t), &recordv1.GetEntryRequest{Grant: g, Id: id})
	_, other := r.read.GetEntry(limit(t), &recordv1.GetEntryRequest{Grant: g, Id: uuid.NewString()})
	if fault.ReasonOf(err) != "ENTRY_NOT_FOUND" || fault.FromStatus(err).Text != fault.FromStatus(other).Text {
		t.Errorf("%s: %v, want as %v", what, err, other)
	}
}

// TestEntriesThatAreNotShown are all alike not found.
func TestEntriesThatAreNotShown(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	inside := func(r resource) resource { return resource{"contained": []any{r}} }
	plan := about("CarePlan", "plan", resource{"status": "active", "intent": "plan", "title": "Plan"})
	r.accept(t, hospital(), transaction(puts(
		aliceAtHome(), problem("c", "1", "Asthma", "2020-01-01"), problem("gone", "2", "Gout", "2020-01-01"),
		problem("with", "3", "With result", "2020-01-01").with(inside(result("x", "4", "Inner", "2020-01-01", 1))),
		plan.with(inside(about("Goal", "g", resource{"description": resource{"text": "Walk"}}))),
		resource{"resourceType": "Practitioner", "id": "d", "name": []any{resource{"family": "House"}}},
	)...))
	r.accept(t, council(), transaction(puts(aliceAtHome(), plan.with(resource{"title": "Council plan"}).with(inside(about("Goal", "g", resource{"description": resource{"text": "Ramp"}}))))...))
	g := grantFor(alice, whole())
	view, _ := r.record(t, g)
	asthma, gout, with := entryID(t, view, "Asthma"), entryID(t, view, "Gout"), entryID(t, view, "With result")
	hospitalPlan, councilPlan := entryID(t, view, "Plan"), entryID(t, view, "Council plan")
	r.accept(t, hospital(), transaction(deletes("Condition/gone")))
	r.notFound(t, "deleted", g, gout)
	r.notFound(t, "no id", g, "x")
	r.notFound(t, "summary", grantFor(alice, paramedic()), asthma)
	r.notFound(t, "not granted", grantFor(alice, levels{accessv1.Section_SECTION_RESULTS: full}), asthma)
	var supporting string
	if err := r.db.Owner.Get(&supporting, `SELECT id FROM entry WHERE type = 'Practitioner'`); err != nil {
		t.Fatal(err)
	}
	r.notFound(t, "supporting", g, supporting)
	r.accept(t, hospital(), transaction(puts(bobAtHome().with(resource{"id": "q"}))...))
	r.notFound(t, "another person's", grantFor(bob, whole()), asthma)

	// What contains another resource is shown only to those who may see that one in full.
	history := levels{accessv1.Section_SECTION_HISTORY: full}
	r.notFound(t, "contains a result", grantFor(alice, history), with)
	r.detail(t, grantFor(alice, history), asthma)
	r.detail(t, g, with)
	plans := levels{accessv1.Section_SECTION_CARE_PLANS: full, accessv1.Section_SECTION_SOCIAL_CARE: summary}
	r.detail(t, grantFor(alice, plans), hospitalPlan)
	r.notFound(t, "a council's", grantFor(alice, plans), councilPlan)
	r.detail(t, grantFor(alice, levels{accessv1.Section_SECTION_SOCIAL_CARE: full}), councilPlan)
}

// TestVersionsThatAreNotShown moves a flag into safeguarding: earlier versions stay where they were.
func TestVersionsThatAreNotShown(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	flag := func(text, at string) string {
		return put(changed(about("Flag", "f", resource{"status": "active", "code": resource{"text": text}}), at))
	}
	r.accept(t, hospital(), transaction(put(aliceAtHome()), flag("Child protection", "2026-01-01T00:00:00Z")))
	r.accept(t, hospital(), transaction(put(aliceAtHome()), flag("Needs a ramp", "2026-01-02T00:00:00Z")))
	view, _ := r.record(t, grantFor(alice, whole()))
	id := entryID(t, view, "Needs a ramp")
	for name, c := range map[string]struct {
		permitted levels
		want      []int32
	}{
		"both":           {whole(), []int32{2, 1}},
		"care plans":     {levels{accessv1.Section_SECTION_CARE_PLANS: full}, []int32{2}},
		"and in summary": {levels{accessv1.Section_SECTION_CARE_PLANS: full, accessv1.Section_SECTION_SAFEGUARDING: summary}, []int32{2}},
	} {
		detail, body := r.detail(t, grantFor(alice, c.permitted), id)
		var got []int32
		for _, v := range detail.GetVersions() {
			got = append(got, v.GetVersion())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if len(c.want) == 1 && bytes.Contains(body, []byte("Child")) {
			t.Errorf("%s: an earlier version is told", name)
		}
	}
}

// withoutAsthma is a file of never-shared sets that has asthma alone.
func withoutAsthma(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "sets.json")
	const text = `{"name":"test","edition":"2","notice":"","categories":[{"name":"asthma","basis":"none","codes":[
		{"system":"http://snomed.info/sct","code":"195967001","display":"Asthma","source":"this test"}]}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func sets(file string) func(*Config) { return func(c *Config) { c.NeverShared = file } }

// TestCorrectedUnderOtherSets replaces, under new sets, a version that these withhold by one that they do not.
func TestCorrectedUnderOtherSets(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	before := s.start(t)
	before.accept(t, hospital(), transaction(put(aliceAtHome()), put(problem("c", "195967001", "Asthma", "2020-01-01"))))
	before.stop()
	after := s.start(t, sets(withoutAsthma(t)))
	after.accept(t, hospital(), transaction(put(aliceAtHome()), put(problem("c", "13645005", "COPD", "2020-01-01"))))
	view, _ := after.record(t, grantFor(alice, whole()))
	if diff := cmp.Diff([]string{"COPD"}, displays(t, view, "history")); diff != "" {
		t.Error(diff)
	}
	detail, _ := after.detail(t, grantFor(alice, whole()), entryID(t, view, "COPD"))
	if v := detail.GetVersions(); len(v) != 1 || v[0].GetVersion() != 2 {
		t.Errorf("versions %v", v)
	}
}

// TestOtherSets starts the service again with never-shared sets that have one more code: nothing that was
// rendered before is shown, whichever call comes first.
func TestOtherSets(t *testing.T) {
	t.Parallel()
	file := withoutAsthma(t)
	calls := func(r *replica, id string) map[string]func(context.Context, *recordv1.Grant) ([]byte, error) {
		all := r.calls(id)
		all["list of one section"] = func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			resp, err := r.read.ListEntries(ctx, &recordv1.ListEntriesRequest{Grant: g, PageSize: 10, Asked: []accessv1.Section{accessv1.Section_SECTION_HISTORY}})
			return resp.GetBody(), err
		}
		all["masked"] = func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			g.Restriction = recordv1.Restriction_RESTRICTION_UNBROKEN
			resp, err := r.read.GetRecord(ctx, &recordv1.GetRecordRequest{Grant: g})
			return resp.GetBody(), err
		}
		all["after another bundle"] = func(ctx context.Context, g *recordv1.Grant) ([]byte, error) {
			r.accept(t, hospital(), transaction(put(aliceAtHome()), put(problem("n", "7", "News", "2026-01-01"))))
			resp, err := r.read.GetRecord(ctx, &recordv1.GetRecordRequest{Grant: g})
			return resp.GetBody(), err
		}
		return all
	}
	for how := range calls(&replica{}, "") {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := newSuite(t)
			before := s.start(t)
			before.combined(t)
			view, _ := before.record(t, grantFor(alice, whole()))
			id := entryID(t, view, "Asthma")
			before.stop()
			after := s.start(t, sets(file))
			body, err := calls(after, id)[how](limit(t), grantFor(alice, whole()))
			switch {
			case how == "entry":
				wantReason(t, err, "ENTRY_NOT_FOUND")
			case how == "no entry":
			case err != nil:
				t.Errorf("refused: %v", err)
			}
			if bytes.Contains(body, []byte("Asthma")) || bytes.Contains(body, []byte("195967001")) {
				t.Errorf("shown: %s", body)
			}
			// Back under the old sets it is there again: its bytes were kept.
			after.stop()
			view, _ = s.start(t).record(t, grantFor(alice, whole()))
			entryID(t, view, "Asthma")
		})
	}
}
