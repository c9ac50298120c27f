package app

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

const (
	full    = accessv1.Level_LEVEL_FULL
	summary = accessv1.Level_LEVEL_SUMMARY
)

// levels is a grant of levels by section.
type levels map[accessv1.Section]accessv1.Level

// whole grants every section in full, as for a GP but more.
func whole() levels {
	all := levels{}
	for number := range accessv1.Section_name {
		if number != 0 {
			all[accessv1.Section(number)] = full
		}
	}
	return all
}

// grantFor is a decision for a person who never chose and is not restricted.
func grantFor(number string, permitted levels, changes ...func(*recordv1.Grant)) *recordv1.Grant {
	g := &recordv1.Grant{NhsNumber: number, Purpose: "direct_care", Restriction: recordv1.Restriction_RESTRICTION_NONE}
	for section := range accessv1.Section_name {
		if level, ok := permitted[accessv1.Section(section)]; ok {
			g.Sections = append(g.Sections, &accessv1.SectionGrant{Section: accessv1.Section(section), Level: level})
		}
	}
	for _, change := range changes {
		change(g)
	}
	return g
}

func unbroken(g *recordv1.Grant) { g.Restriction = recordv1.Restriction_RESTRICTION_UNBROKEN }
func broken(g *recordv1.Grant)   { g.Restriction = recordv1.Restriction_RESTRICTION_BROKEN }

func choice(number int64) func(*recordv1.Grant) {
	return func(g *recordv1.Grant) { g.ChoiceNumber = number }
}

// strictly reads JSON as a message of the contract: what that does not know may not be there.
func strictly[M proto.Message](t testing.TB, text []byte, m M) M {
	t.Helper()
	if err := protojson.Unmarshal(text, m); err != nil {
		t.Fatalf("not of the contract: %v\n%s", err, text)
	}
	return m
}

// record is the record under a grant.
func (r *replica) record(t testing.TB, g *recordv1.Grant, asked ...accessv1.Section) (*recordv1.Record, *recordv1.Manifest) {
	t.Helper()
	resp, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: g, Asked: asked})
	if err != nil {
		t.Fatalf("read record: %v", err)
	}
	return strictly(t, resp.GetBody(), &recordv1.Record{}), resp.GetManifest()
}

// section is one section of a record.
func section(t testing.TB, r *recordv1.Record, name string) *recordv1.SectionView {
	t.Helper()
	for _, s := range r.GetSections() {
		if s.GetSection() == name {
			return s
		}
	}
	t.Fatalf("no section %s", name)
	return nil
}

// displays are what the entries of a section are called, in order.
func displays(t testing.TB, r *recordv1.Record, name string) []string {
	t.Helper()
	all := []string{}
	for _, e := range section(t, r, name).GetEntries() {
		all = append(all, e.GetDisplay())
	}
	return all
}

// entryID finds an entry by what it is called.
func entryID(t testing.TB, r *recordv1.Record, display string) string {
	t.Helper()
	for _, s := range r.GetSections() {
		for _, e := range s.GetEntries() {
			if e.GetDisplay() == display {
				return e.GetId()
			}
		}
	}
	t.Fatalf("no entry %q", display)
	return ""
}

// detail is one entry whole.
func (r *replica) detail(t testing.TB, g *recordv1.Grant, id string) (*recordv1.EntryDetail, []byte) {
	t.Helper()
	resp, err := r.read.GetEntry(limit(t), &recordv1.GetEntryRequest{Grant: g, Id: id})
	if err != nil {
		t.Fatalf("read entry: %v", err)
	}
	return strictly(t, resp.GetBody(), &recordv1.EntryDetail{}), resp.GetBody()
}

// page is a page of the flat list.
func (r *replica) page(t testing.TB, req *recordv1.ListEntriesRequest) (*recordv1.EntryPage, *recordv1.ListEntriesResponse) {
	t.Helper()
	if req.PageSize == 0 {
		req.PageSize = 100
	}
	resp, err := r.read.ListEntries(limit(t), req)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return strictly(t, resp.GetBody(), &recordv1.EntryPage{}), resp
}

// source is one partner in a record.
func source(r *recordv1.Record, ods string) *recordv1.Source {
	for _, s := range r.GetSources() {
		if s.GetOdsCode() == ods {
			return s
		}
	}
	return nil
}

// gapReasons are why a view is not whole.
func gapReasons(all []*recordv1.NotIncluded) []string {
	reasons := []string{}
	for _, n := range all {
		reasons = append(reasons, n.GetReason())
	}
	return reasons
}

// body is the record's text without the instant of its assembly.
func (r *replica) body(t testing.TB, g *recordv1.Grant) string {
	t.Helper()
	view, _ := r.record(t, g)
	view.AssembledAt = ""
	for _, s := range view.GetSources() {
		s.FeedReceivedAt = "" // moves with every bundle
	}
	return protojson.Format(view)
}
