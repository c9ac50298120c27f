package app

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

// open tells whether a person's record is shown, and fails on any refusal but that it is not checked yet.
func (r *replica) open(t testing.TB, number string) bool {
	t.Helper()
	_, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(number, whole())})
	if err != nil && (fault.ReasonOf(err) != "NEW_PERSON_UNCHECKED" || status.Code(err) != codes.Unavailable) {
		t.Fatalf("neither shown nor unchecked: %v", err)
	}
	return err == nil
}

// TestNewPersonIsCheckedFirst: a person who is new is asked about as feeds describe them, once, and open when the
// sender has its answer; whoever was known before is not asked about again.
func TestNewPersonIsCheckedFirst(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	home := aliceAtHome().with(resource{"address": []any{resource{"use": "home", "line": []string{"1 Long Road"}, "postalCode": "DT6 3NQ"}}})
	r.accept(t, surgery(), transaction(put(home), put(problem("c", "1", "Asthma", "2020-01-01"))))
	if !r.open(t, alice) {
		t.Error("not open when its sender has the answer")
	}
	asked := r.optout.questions(alice)
	if len(asked) != 1 || asked[0].GetFamilyName() != "Carter" || asked[0].GetBirthDate() != "1950-03-02" || asked[0].GetPostcode() != "DT6 3NQ" {
		t.Errorf("asked %v", asked)
	}
	r.optout.waits(alice, true)
	r.accept(t, hospital(), transaction(put(aliceAtHome().with(resource{"name": []any{resource{"family": "Married", "given": []string{"Alice"}}}}))))
	if n := len(r.optout.questions(alice)); n != 1 || !r.open(t, alice) {
		t.Errorf("asked %d times about somebody who was known, open %v", n, r.open(t, alice))
	}
}

// TestHeldShowsNothing tries every way to read a person whom a waiting request may mean, and opens them when it is
// decided, without anybody sending anything.
func TestHeldShowsNothing(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.accept(t, hospital(), transaction(put(bobAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	view, _ := r.record(t, grantFor(bob, whole()))
	id := entryID(t, view, "Asthma")
	r.optout.waits(alice, true)
	r.accept(t, surgery(), transaction(put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	for how, call := range r.calls(id) {
		for name, change := range map[string]func(*recordv1.Grant){"": choice(0), "masked": unbroken, "broken": broken, "another choice": choice(1)} {
			body, err := call(limit(t), grantFor(alice, whole(), change))
			if fault.ReasonOf(err) != "NEW_PERSON_UNCHECKED" || status.Code(err) != codes.Unavailable || body != nil {
				t.Errorf("%s %s of a held record: %d bytes, %v", how, name, len(body), err)
			}
		}
	}
	// Who is opted out is refused as such, held or not.
	r.choose(t, alice, 1, true)
	_, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(alice, whole(), choice(1))})
	wantReason(t, err, "SEALED")
	r.choose(t, alice, 2, false)
	_, err = r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(alice, whole(), choice(2))})
	wantReason(t, err, "NEW_PERSON_UNCHECKED")
	r.optout.waits(alice, false)
	eventually(t, "open", func() bool {
		_, err := r.read.GetRecord(limit(t), &recordv1.GetRecordRequest{Grant: grantFor(alice, whole(), choice(2))})
		return err == nil
	})
}

// TestNothingOpensWithoutOptOut: while optout-svc is down new records stay closed, on every replica, and feeds are
// taken without waiting for it; when it is back they open, after a restart too.
func TestNothingOpensWithoutOptOut(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	r := s.start(t)
	s.optout.set(true)
	r.accept(t, surgery(), transaction(put(aliceAtHome()), put(problem("c", "1", "Asthma", "2020-01-01"))))
	began := time.Now()
	r.accept(t, hospital(), transaction(put(bobAtHome())))
	if took := time.Since(began); took > time.Second {
		t.Errorf("a feed waited %v for an optout-svc that is known to be down", took)
	}
	other := s.start(t)
	for _, one := range []*replica{r, other} {
		for _, number := range []string{alice, bob} {
			if one.open(t, number) {
				t.Errorf("%s is open and nobody checked", number)
			}
		}
	}
	r.stop()
	s.optout.set(false)
	eventually(t, "open", func() bool { return other.open(t, alice) && other.open(t, bob) })
}

// TestIdentityKnowsFirst: nobody is asked about before identity-svc knows them, so that a request which comes too
// late for the check finds the person there.
func TestIdentityKnowsFirst(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.identity.set(true)
	r.accept(t, surgery(), transaction(put(aliceAtHome())))
	if n := len(r.optout.questions(alice)); n != 0 || r.open(t, alice) {
		t.Errorf("asked %d times, open %v, and identity-svc does not know the person", n, r.open(t, alice))
	}
	r.identity.set(false)
	eventually(t, "open", func() bool { return r.open(t, alice) })
}

// TestNamedLater: somebody of whom only the number was known is checked again once name and birth date are known,
// and closed meanwhile.
func TestNamedLater(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	byNumber := problem("c", "1", "Asthma", "2020-01-01").with(resource{"subject": resource{
		"identifier": resource{"system": nhsNumberSystem, "value": alice},
	}})
	r.accept(t, surgery(), transaction(put(byNumber)))
	if !r.open(t, alice) {
		t.Error("a person without a name is not open although nothing waits")
	}
	r.optout.waits(alice, true)
	r.accept(t, hospital(), transaction(put(aliceAtHome())))
	if r.open(t, alice) {
		t.Error("open although a request may mean the person, whose name is known now")
	}
	if asked := r.optout.questions(alice); asked[0].GetFamilyName() != "" || asked[len(asked)-1].GetFamilyName() != "Carter" {
		t.Errorf("asked %v", asked)
	}
}

// TestNameComesDuringTheCheck: an answer about a person as they were does not open the person as they are.
func TestNameComesDuringTheCheck(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.optout.mu.Lock()
	r.optout.meanwhile = func() {
		r.optout.waits(alice, true)
		r.accept(t, hospital(), transaction(put(aliceAtHome())))
	}
	r.optout.mu.Unlock()
	byNumber := problem("c", "1", "Asthma", "2020-01-01").with(resource{"subject": resource{
		"identifier": resource{"system": nhsNumberSystem, "value": alice},
	}})
	r.accept(t, surgery(), transaction(put(byNumber)))
	eventually(t, "asked about by name", func() bool {
		asked := r.optout.questions(alice)
		return len(asked) > 0 && asked[len(asked)-1].GetFamilyName() == "Carter"
	})
	if r.open(t, alice) {
		t.Error("open although a request may mean the person")
	}
}

// testNumber is the i-th valid number of a part of the test range, i below 1000.
func testNumber(i int) string {
	for digits, found := 999500000, -1; ; digits++ {
		sum := 0
		for at, digit := range strconv.Itoa(digits) {
			sum += (10 - at) * int(digit-'0')
		}
		check := (11 - sum%11) % 11
		if check == 10 {
			continue
		}
		if found++; found == i {
			return strconv.Itoa(digits) + strconv.Itoa(check)
		}
	}
}

// TestImportSharesCalls: people who come at the same moment are asked about together, and all are open.
func TestImportSharesCalls(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	const people, senders = 60, 12
	next := make(chan int)
	var all sync.WaitGroup
	for range senders {
		all.Go(func() {
			for i := range next {
				r.accept(t, surgery(), transaction(put(patientOf(testNumber(i), fmt.Sprintf("Name%d", i), "A", "1950-03-02").with(resource{"id": fmt.Sprintf("p%d", i)}))))
				if !r.open(t, testNumber(i)) {
					t.Errorf("person %d is not open when its sender has the answer", i)
				}
			}
		})
	}
	for i := range people {
		next <- i
	}
	close(next)
	all.Wait()
	r.optout.mu.Lock()
	defer r.optout.mu.Unlock()
	if len(r.optout.asked) != people || r.optout.calls >= people {
		t.Errorf("%d people were asked about %d times in %d calls", people, len(r.optout.asked), r.optout.calls)
	}
}

// TestRowsOfTheReleaseBefore: a person whom a replica of the release before makes, which does not know of holding,
// is held and then checked like any other.
func TestRowsOfTheReleaseBefore(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	s.optout.set(true)
	r := s.start(t)
	if _, err := s.db.App.ExecContext(limit(t), `
		INSERT INTO person (nhs_number, sequence, family_name, given_name, birth_date, family_fold, given_fold, gp_ods_code, restricted, rules, updated_at)
		VALUES ($1, 1, 'Carter', 'Alice', '1950-03-02', 'carter', 'alice', '', false, '', now())`, alice); err != nil {
		t.Fatal(err)
	}
	if r.open(t, alice) {
		t.Error("open and never checked")
	}
	s.optout.set(false)
	eventually(t, "checked", func() bool { return len(s.optout.questions(alice)) > 0 })
	eventually(t, "open", func() bool { return s.count(t, `SELECT count(*) FROM person WHERE held`) == 0 })
}

// TestUnknownVerdictHolds: a verdict that this release does not know opens nothing.
func TestUnknownVerdictHolds(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	r.optout.answer(optoutv1.NewPersonVerdict(99))
	r.accept(t, surgery(), transaction(put(aliceAtHome())))
	if r.open(t, alice) {
		t.Error("open on a verdict that nobody knows")
	}
}
