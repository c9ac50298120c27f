package blackbox_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// exportWait is how long traces may take to be exported.
const exportWait = 30 * time.Second

// processNames are those of all replicas.
func processNames() []string {
	var all []string
	for _, program := range []string{"audit-svc", "identity-svc", "record-svc", "optout-svc", "gateway"} {
		for i := range replicas {
			all = append(all, fmt.Sprintf("%s-%d", program, i+1))
		}
	}
	return all
}

// oneTrace: a view of a record is one trace through all five processes, and the event names it.
func (s *suite) oneTrace(t *testing.T) {
	who, p := s.hire(t, "R1070", ambulance, ""), s.attended(t)
	for _, on := range s.surfaces(methodFor(t, &gatewayv1.GetRecordRequest{})) {
		r := on.call(t, who.token, &gatewayv1.GetRecordRequest{NhsNumber: p.number})
		r.want(t, http.StatusOK, "")
		trace := s.event(t, r.eventID).GetOrigin().GetTraceId()
		want := []string{"audit-svc", "gateway", "identity-svc", "optout-svc", "record-svc"}
		var got []string
		within(t, exportWait, func() bool {
			got = nil
			for _, one := range s.spans.of(trace) {
				got = append(got, one.service)
			}
			slices.Sort(got)
			got = slices.Compact(got)
			return slices.Equal(got, want)
		})
		if !slices.Equal(got, want) {
			t.Errorf("over %s the trace of a view goes through %v", on.name, got)
		}
	}
}

// within looks again and again until cond holds or the time is over.
func within(t *testing.T, limit time.Duration, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// leaks stops the suite and searches everything that it printed, logged and exported for people.
func (s *suite) leaks(t *testing.T) {
	said := map[string][]byte{"the terminal": s.printed.bytes()}
	for _, name := range processNames() {
		said["/metrics of "+name] = metrics(t, s.stack.OpsURL(name))
	}
	s.stop(t)
	said["the traces"] = s.spans.bytes()
	for name, text := range logs(t, s.stack.Dir()) {
		said[name] = text
	}
	numbers, people := needlesOf(s.numbers), s.births()
	for name, text := range said {
		if name != "the terminal" && len(text) == 0 && !strings.Contains(name, "issuer") {
			t.Errorf("%s: nothing was said", name)
		}
		searchLeak(t, name, text, numbers, people)
	}
	// The search itself must be able to find something.
	for _, form := range forms(s.numbers[0]) {
		if _, _, found := numbers.find([]byte("…" + form + "…")); !found {
			t.Errorf("the search does not find a number written as %s", form)
		}
	}
}

func searchLeak(t *testing.T, name string, text []byte, numbers *needles, people map[string]string) {
	t.Helper()
	if what, line, found := numbers.find(text); found {
		t.Errorf("%s, %s: %s", name, what, line)
	}
	for family, birth := range people {
		if bytes.Contains(text, []byte(family)) {
			t.Errorf("%s: somebody's family name, in %s", name, lineWith(text, []byte(family)))
		}
		if bytes.Contains(text, []byte(birth)) && !strings.HasPrefix(birth, time.Now().Format("2006")) {
			t.Errorf("%s: somebody's birth date, in %s", name, lineWith(text, []byte(birth)))
		}
	}
}

// births are the family names and birth dates to look for: of everybody made up in the tests, and of the
// people of the county whose names are no words of anything else.
func (s *suite) births() map[string]string {
	all := map[string]string{}
	for family, birth := range s.names {
		all[family] = birth
	}
	for _, p := range s.county.People {
		if !slices.ContainsFunc(s.county.Staff, func(m county.Staff) bool { return m.FamilyName == p.FamilyName }) {
			all[p.FamilyName] = p.BirthDate
		}
	}
	return all
}

// needles are all forms of all numbers, found in one pass over a text: by their length, and quickly by
// their first three bytes.
type needles struct {
	begins  []bool
	lengths []int
	forms   map[string]int // which form it is
}

func needlesOf(numbers []string) *needles {
	n := &needles{begins: make([]bool, 1<<24), forms: map[string]int{}}
	for _, number := range numbers {
		for i, form := range forms(number) {
			n.forms[form] = i
			n.begins[begin([]byte(form))] = true
			if !slices.Contains(n.lengths, len(form)) {
				n.lengths = append(n.lengths, len(form))
			}
		}
	}
	return n
}

func begin(text []byte) int { return int(text[0])<<16 | int(text[1])<<8 | int(text[2]) }

// find is the first NHS number in a text, in any form that it may be written in.
func (n *needles) find(text []byte) (what, line string, found bool) {
	for at := 0; at+3 <= len(text); at++ {
		if !n.begins[begin(text[at:])] {
			continue
		}
		for _, length := range n.lengths {
			if at+length > len(text) {
				continue
			}
			if form, ok := n.forms[string(text[at:at+length])]; ok {
				return fmt.Sprintf("an NHS number in form %d", form), around(text, at), true
			}
		}
	}
	return "", "", false
}

// forms are the ways in which a number may be written: plain, spaced, hyphenated, in URLs, and in base64 at
// each of the three places that a byte can have in it.
func forms(number string) []string {
	spaced := grouped(number)
	all := []string{
		number, spaced, strings.ReplaceAll(spaced, " ", "-"), url.PathEscape(spaced), url.QueryEscape(spaced), strings.ReplaceAll(spaced, " ", "\u00a0"),
	}
	for _, plain := range []string{number, spaced} {
		for shift := range 3 {
			text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + plain))
			// The first and last digits of base64 depend on the neighbours.
			all = append(all, text[(shift*8+5)/6:len(text)-1])
		}
	}
	return all
}

// lineWith is the line around the first place of a word, cut short.
func lineWith(text, word []byte) string { return around(text, bytes.Index(text, word)) }

func around(text []byte, at int) string {
	from := max(bytes.LastIndexByte(text[:at], '\n')+1, at-200)
	return string(text[from:min(len(text), at+200)])
}

func metrics(t *testing.T, ops string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ops+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// logs of every process of the run, PostgreSQL's too.
func logs(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "log", "*"))
	if err != nil || len(files) < len(processNames()) {
		t.Fatalf("only %d logs: %v", len(files), err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		if all[filepath.Base(file)], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
