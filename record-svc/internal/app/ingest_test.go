package app

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// numbered are n resources of many types about Alice, herself first.
func numbered(n int) []resource {
	all := []resource{aliceAtHome()}
	for i := 1; i < n; i++ {
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -i).Format(time.DateOnly)
		id := fmt.Sprint(i)
		switch i % 4 {
		case 0:
			all = append(all, problem(id, "1"+id, "Problem "+id, day))
		case 1:
			all = append(all, result(id, "2"+id, "Result "+id, day, float64(i)))
		case 2:
			all = append(all, medicine(id, "3"+id, "Medicine "+id, "active", day))
		case 3:
			all = append(all, about("Encounter", id, resource{
				"class": resource{"code": "IMP"}, "status": "finished", "period": resource{"start": day, "end": day}, "type": []any{snomed("4"+id, "Visit "+id)},
			}))
		}
	}
	return all
}

// TestLargestBundle sends as many entries as a bundle may have, within the deadline that calls have.
func TestLargestBundle(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	for _, n := range []int{1, 200, 5000} {
		body := transaction(puts(numbered(n)...)...)
		from := time.Now()
		r.accept(t, hospital(), body)
		first := time.Since(from)
		from = time.Now()
		r.accept(t, hospital(), body)
		t.Logf("%d resources, %d bytes: first %v, again %v", n, len(body), first, time.Since(from))
	}
	if got := r.count(t, "SELECT count(*) FROM version"); got != 5000 {
		t.Errorf("%d versions of 5,000 resources", got)
	}
	r.refuse(t, hospital(), transaction(puts(numbered(5001)...)...), 413, "TOO_MANY_ENTRIES", "Bundle.entry")
	filler := strings.Repeat(" ", 16<<20)
	r.refuse(t, hospital(), transaction(put(aliceAtHome()))+filler, 413, "BUNDLE_TOO_LARGE", "")
	r.refuse(t, hospital(), transaction(), 400, "BUNDLE_EMPTY", "Bundle.entry")
	r.refuse(t, hospital(), strings.Repeat("[", 10000), 400, "JSON_TOO_DEEP", "")
}

// TestRepeatedBundle sends the same bundle as it was, in another order, and in the other form.
func TestRepeatedBundle(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]func(resource) string{
		"PUT": put,
		"POST": func(r resource) string {
			url := "urn:uuid:" + r["id"].(string)
			if subject, ok := r["subject"]; ok && subject != nil {
				r = r.with(resource{"subject": resource{"reference": "urn:uuid:p"}})
			}
			return post(r.with(resource{"id": nil}), url, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startOne(t)
			var entries []string
			for _, one := range numbered(30) {
				entries = append(entries, form(one))
			}
			first := r.accept(t, hospital(), transaction(entries...))
			for i, e := range first.Entry {
				if e.Response.Status != "201 Created" || !strings.HasSuffix(e.Response.Location, "/_history/1") {
					t.Errorf("entry %d: %+v", i, e.Response)
				}
			}
			stored, before := r.stored(t), r.body(t, grantFor(alice, whole()))
			for range 3 {
				rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
				for i, e := range r.accept(t, hospital(), transaction(entries...)).Entry {
					if e.Response.Status != "200 OK" || e.Response.Etag != `W/"1"` {
						t.Errorf("again, entry %d: %+v", i, e.Response)
					}
				}
			}
			if diff := cmp.Diff(stored, r.stored(t)); diff != "" {
				t.Errorf("the same again changed what is stored: %s", diff)
			}
			if after := r.body(t, grantFor(alice, whole())); after != before {
				t.Errorf("the same again changed the view:\n%s\n%s", before, after)
			}
		})
	}
}

// TestVersions follows one resource through versions that come in order, late, twice and taken back.
func TestVersions(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	at := func(minute int) string { return fmt.Sprintf("2026-11-01T10:%02d:00Z", minute) }
	asthma := func(display string, minute int) string {
		return put(changed(problem("c", "195967001", display, "2020-01-01"), at(minute)))
	}
	send := func(entry string) { r.accept(t, hospital(), transaction(put(aliceAtHome()), entry)) }
	shows := func(want ...string) {
		t.Helper()
		view, _ := r.record(t, grantFor(alice, whole()))
		if diff := cmp.Diff(append([]string{}, want...), displays(t, view, "history")); diff != "" {
			t.Error(diff)
		}
	}
	send(asthma("Second", 2))
	shows("Second")
	send(asthma("Fourth", 4))
	shows("Fourth")
	send(asthma("Third", 3)) // late: kept, and behind
	shows("Fourth")
	r.refuse(t, hospital(), transaction(put(aliceAtHome()), asthma("Other", 4)), 409, "ORDER_TAKEN", "Bundle.entry[1]")

	view, _ := r.record(t, grantFor(alice, whole()))
	detail, _ := r.detail(t, grantFor(alice, whole()), entryID(t, view, "Fourth"))
	var versions []int32
	for _, v := range detail.GetVersions() {
		versions = append(versions, v.GetVersion())
	}
	if diff := cmp.Diff([]int32{2, 3, 1}, versions); diff != "" {
		t.Errorf("versions, by order: %s", diff)
	}

	r.accept(t, hospital(), transactionAt(at(6), put(aliceAtHome()), deletes("Condition/c")))
	shows()
	send(asthma("Fifth", 5)) // a late PUT does not undo the tombstone
	shows()
	send(asthma("Seventh", 7)) // a newer one does: the resource is there again
	shows("Seventh")
	wrong := changed(problem("c", "195967001", "Eighth", "2020-01-01"), at(8)).with(resource{"verificationStatus": clinical("entered-in-error")})
	send(put(wrong))
	shows()
	if got := r.count(t, "SELECT count(*) FROM version v JOIN entry e ON e.id = v.entry_id WHERE e.type = 'Condition'"); got != 7 {
		t.Errorf("%d versions kept, want all 7", got)
	}
}

// TestNoOrder sends content without an order: news by arrival, and an old copy is refused.
func TestNoOrder(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	send := func(display string) string {
		return transaction(put(aliceAtHome()), put(problem("c", "1", display, "2020-01-01")))
	}
	r.accept(t, hospital(), send("Old"))
	r.accept(t, hospital(), send("New"))
	r.refuse(t, hospital(), send("Old"), 409, "STALE_CONTENT", "Bundle.entry[1]")
	view, _ := r.record(t, grantFor(alice, whole()))
	if diff := cmp.Diff([]string{"New"}, displays(t, view, "history")); diff != "" {
		t.Error(diff)
	}
	r.accept(t, hospital(), transaction(deletes("Condition/c")))
	r.accept(t, hospital(), transaction(deletes("Condition/c"))) // gone already
	if view, _ = r.record(t, grantFor(alice, whole())); len(displays(t, view, "history")) != 0 {
		t.Error("deleted, and still shown")
	}
	r.refuse(t, hospital(), transaction(deletes("Condition/unknown")), 422, "NO_PATIENT", "Bundle")
	// Deleting what never came, for a person who is named, is a tombstone that holds.
	r.accept(t, hospital(), transactionAt("2026-11-02T10:00:00Z", put(aliceAtHome()), deletes("Condition/late")))
	r.accept(t, hospital(), transactionAt("2026-11-01T10:00:00Z", put(aliceAtHome()), put(problem("late", "9", "Late", "2020-01-01"))))
	if view, _ = r.record(t, grantFor(alice, whole())); len(displays(t, view, "history")) != 0 {
		t.Error("a late PUT undid a tombstone")
	}
}

// TestSendersAreApart lets two organisations use the same ids for different things.
func TestSendersAreApart(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.accept(t, hospital(), transaction(put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	r.accept(t, surgery(), transaction(put(bobAtHome()), put(problem("c", "2", "Gout", "2021-01-01"))))
	r.accept(t, surgery(), transaction(deletes("Condition/c")))
	view, _ := r.record(t, grantFor(alice, whole()))
	if diff := cmp.Diff([]string{"Asthma"}, displays(t, view, "history")); diff != "" {
		t.Errorf("Alice: %s", diff)
	}
	if got := displays(t, view, "demographics"); !slices.Equal(got, []string{"Carter, Alice"}) {
		t.Errorf("Alice is %v", got)
	}
	if view, _ = r.record(t, grantFor(bob, whole())); len(displays(t, view, "history")) != 0 {
		t.Error("Bob's deleted entry is shown")
	}
	// A resource of another person is not taken over, but corrected: deleted there, then sent here.
	r.refuse(t, hospital(), transaction(put(bobAtHome().with(resource{"id": "q"})), put(problem("c", "1", "Asthma", "2020-01-01").with(resource{"subject": resource{"reference": "Patient/q"}}))),
		409, "RESOURCE_OF_ANOTHER_PATIENT", "Bundle.entry[1]")
}

// TestPostIsKnownAgain sends what has a business identifier with and without its condition.
func TestPostIsKnownAgain(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	one := problem("", "1", "Asthma", "2020-01-01").with(resource{
		"id": nil, "subject": resource{"reference": "urn:uuid:p"}, "identifier": []any{resource{"system": "https://h.test/problem", "value": "77"}},
	})
	patient := aliceAtHome().with(resource{"id": nil})
	for i, entry := range []string{
		post(one, "urn:uuid:1", "identifier=https://h.test/problem|77"), post(one, "urn:uuid:2", ""),
		post(one.with(resource{"note": []any{resource{"text": "more"}}}), "urn:uuid:3", "identifier=https%3A%2F%2Fh.test%2Fproblem%7C77"),
	} {
		a := r.accept(t, hospital(), transaction(post(patient, "urn:uuid:p", ""), entry))
		want := []string{"201 Created", "200 OK", "200 OK"}[i]
		if got := a.Entry[1].Response.Status; got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	if got := r.count(t, "SELECT count(*) FROM entry WHERE type = 'Condition'"); got != 1 {
		t.Errorf("%d entries of one problem", got)
	}
	if got := r.count(t, "SELECT versions FROM entry WHERE type = 'Condition'"); got != 2 {
		t.Errorf("%d versions, want 2", got)
	}
}
