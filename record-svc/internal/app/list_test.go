package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// listed goes through all pages of a size and gives the ids in order.
func (r *replica) listed(t testing.TB, req *recordv1.ListEntriesRequest) []string {
	t.Helper()
	ids, counted := []string{}, int32(0)
	for req.After = ""; ; {
		page, resp := r.page(t, req)
		if len(page.GetEntries()) > int(req.GetPageSize()) {
			t.Fatalf("%d entries on a page of %d", len(page.GetEntries()), req.GetPageSize())
		}
		if req.GetAfter() != "" && len(page.GetAlways()) != 0 {
			t.Error("a later page carries whole sections")
		}
		for _, e := range page.GetEntries() {
			if e.GetSection() == "" {
				t.Error("an entry of the list without its section")
			}
			ids = append(ids, e.GetId())
		}
		counted += int32(len(page.GetEntries()))
		if req.GetAfter() != "" && resp.GetManifest().GetEntries() != int32(len(page.GetEntries())) {
			t.Errorf("manifest counts %d of %d", resp.GetManifest().GetEntries(), len(page.GetEntries()))
		}
		if resp.GetNext() == "" {
			return ids
		}
		if len(page.GetEntries()) == 0 {
			t.Fatal("an empty page that is not the last")
		}
		req.After = resp.GetNext()
	}
}

// shownIDs are the entries of a record, of all sections.
func shownIDs(view *recordv1.Record) []string {
	ids := []string{}
	for _, s := range view.GetSections() {
		for _, e := range s.GetEntries() {
			ids = append(ids, e.GetId())
		}
	}
	return ids
}

// undated is a problem without any date.
func undated(id, display string) resource {
	return problem(id, "9"+id, display, "").with(resource{"onsetDateTime": nil})
}

// TestListShowsWhatTheRecordShows compares the list in pages of every size with the record, under several
// grants, masked ones too.
func TestListShowsWhatTheRecordShows(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	r.accept(t, hospital(), transaction(puts(aliceAtHome(), undated("u1", "Undated one"), undated("u2", "Undated two"),
		problem("s1", "11", "Same day one", "2020-01-01"), problem("s2", "12", "Same day two", "2020-01-01"), problem("s3", "13", "Ancient", "1850-06-01"))...))
	for name, g := range map[string]*recordv1.Grant{
		"whole": grantFor(alice, whole()), "paramedic": grantFor(alice, paramedic()), "masked": grantFor(alice, whole(), unbroken),
		"masked paramedic": grantFor(alice, paramedic(), unbroken), "one section": grantFor(alice, levels{accessv1.Section_SECTION_HISTORY: full}),
	} {
		view, _ := r.record(t, g)
		want := shownIDs(view)
		slices.Sort(want)
		var order []string
		for size := range len(want) + 2 {
			got := r.listed(t, &recordv1.ListEntriesRequest{Grant: g, PageSize: int32(size + 1)})
			if order == nil {
				order = slices.Clone(got)
			}
			if diff := cmp.Diff(order, got); diff != "" {
				t.Errorf("%s: pages of %d come in another order: %s", name, size+1, diff)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: pages of %d hold other entries than the record: %s", name, size+1, diff)
			}
		}
	}
}

// TestFilters narrows the list; what is undated is never old, and the sections that must be whole are.
func TestFilters(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	r.accept(t, hospital(), transaction(puts(aliceAtHome(), undated("u1", "Undated"))...))
	list := func(change func(*recordv1.ListEntriesRequest)) []string {
		t.Helper()
		req := &recordv1.ListEntriesRequest{Grant: grantFor(alice, whole())}
		change(req)
		page, _ := r.page(t, req)
		var always []string
		for _, s := range page.GetAlways() {
			always = append(always, s.GetSection())
			if s.GetSection() == "allergies" && len(s.GetEntries()) != 1 {
				t.Errorf("allergies come with %d entries", len(s.GetEntries()))
			}
			if s.GetSection() == "medication" && (len(s.GetEntries()) != 1 || s.GetEntries()[0].GetDisplay() != "Salbutamol") {
				t.Errorf("current medication is %v", s.GetEntries())
			}
		}
		if req.GetAsked() == nil && !slices.Equal(always, []string{"allergies", "medication", "care_plans", "safeguarding"}) {
			t.Errorf("whole sections %v", always)
		}
		names := []string{}
		for _, e := range page.GetEntries() {
			names = append(names, e.GetDisplay())
		}
		return names
	}
	for name, c := range map[string]struct {
		change func(*recordv1.ListEntriesRequest)
		want   []string
	}{
		"since": {func(q *recordv1.ListEntriesRequest) {
			q.Since = timestamppb.New(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
		}, []string{"Safeguarding adult", "Help at home", "Potassium", "Undated"}},
		"code":            {func(q *recordv1.ListEntriesRequest) { q.Code = "195967001" }, []string{"Asthma"}},
		"system and code": {func(q *recordv1.ListEntriesRequest) { q.Code = "http://snomed.info/sct|195967001" }, []string{"Asthma"}},
		"other system":    {func(q *recordv1.ListEntriesRequest) { q.Code = "http://loinc.org|195967001" }, []string{}},
		"source, of a group of two": {func(q *recordv1.ListEntriesRequest) {
			q.SourceOdsCode, q.Code = "R0D", "195967001"
		}, []string{"Asthma"}},
		"source": {func(q *recordv1.ListEntriesRequest) {
			q.SourceOdsCode = "E06000059"
			q.Asked = []accessv1.Section{accessv1.Section_SECTION_SAFEGUARDING}
		}, []string{"Safeguarding adult"}},
		"quote": {func(q *recordv1.ListEntriesRequest) { q.Code = `'; DROP TABLE entry; --` }, []string{}},
	} {
		got := list(c.change)
		if name == "since" || name == "source" {
			got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "Carter") })
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestCursorsThatAreNone are refused as tokens and never reach the database.
func TestCursorsThatAreNone(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.combined(t)
	for _, after := range []string{"x", "|", "2026-01-01 00:00:00|x", "infinity|0197a000-0000-7000-8000-000000000001", "'|0197a000-0000-7000-8000-000000000001"} {
		_, err := r.read.ListEntries(limit(t), &recordv1.ListEntriesRequest{Grant: grantFor(alice, whole()), PageSize: 1, After: after})
		wantReason(t, err, "INVALID_PAGE_TOKEN")
	}
	for _, bad := range []*recordv1.ListEntriesRequest{{PageSize: 0}, {PageSize: 501}, {PageSize: 1, Since: &timestamppb.Timestamp{Nanos: -1}}} {
		bad.Grant = grantFor(alice, whole())
		if _, err := r.read.ListEntries(limit(t), bad); err == nil {
			t.Errorf("%v is answered", fmt.Sprint(bad.GetPageSize(), bad.GetSince()))
		}
	}
}
