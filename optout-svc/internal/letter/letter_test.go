package letter

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/internal/pdf"
	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"
)

var update = flag.Bool("update", false, "rewrite the golden letters")

// TestGoldenLetters keeps each kind in both wordings, for people to read in review.
func TestGoldenLetters(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		for name, f := range map[string]Facts{
			"standard": person(kind, Standard, choiceOf(kind)), "easy_read": person(kind, EasyRead, choiceOf(kind)),
			"for_another": forAnother(kind, Standard, choiceOf(kind), false),
		} {
			file := filepath.Join("testdata", string(kind)+"."+name+".txt")
			got := compose(t, f).Text("")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-update writes it anew): %s", file, diff)
			}
		}
	}
}

func choiceOf(kind Kind) Choice {
	if kind == OptedInConfirmed {
		return In
	}
	return Out
}

// TestTheUnprovedLearnNothing: whatever is known of a request, its letters to somebody who is not proved to be
// who they say are the same but for reference, and what is wanted or refused.
func TestTheUnprovedLearnNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		for _, format := range Formats() {
			known := forAnother(kind, format, Out, true)
			known.Verified = kind == ConfirmationCode // even if somebody says so
			blank := Facts{
				Kind: kind, Format: format, Reference: known.Reference, Wanted: known.Wanted, Reason: known.Reason,
				CodeUntil: known.CodeUntil, Choice: In, Channel: Online,
			}
			if diff := cmp.Diff(compose(t, blank), compose(t, known)); diff != "" {
				t.Errorf("%s, %s: %s", kind, format, diff)
			}
		}
	}
}

func TestAcknowledgementToTheUnprovedHasTheReferenceAlone(t *testing.T) {
	t.Parallel()
	for _, format := range Formats() {
		c := compose(t, unproved(Acknowledgement, format, Out))
		var rows []Row
		for _, part := range c.Parts {
			rows = append(rows, part.Rows...)
		}
		if len(rows) != 2 || rows[0].Value != "K7Q2-M4WX-9" || rows[1].Name != "Privacy officer" {
			t.Errorf("%s: %v", format, rows)
		}
	}
}

func TestWhoAsksForAnotherIsTold(t *testing.T) {
	t.Parallel()
	for name, f := range everyCase() {
		if f.Requester == "" || !f.Verified || f.Kind == ConfirmationCode {
			continue
		}
		text := compose(t, f).Text("")
		said := "Bertha Sample asked"
		if f.ToRequester {
			said = "You asked"
		}
		if !strings.Contains(text, said) && !strings.Contains(strings.ToLower(text), strings.ToLower(said)) {
			t.Errorf("%s does not say %q:\n%s", name, said, text)
		}
		for _, row := range []string{"Who asked: Bertha Sample\n", "For whom: Łucja Example-Nguyễn\n"} {
			if !strings.Contains(text, row) {
				t.Errorf("%s has no %q:\n%s", name, row, text)
			}
		}
		greeted := map[bool]string{true: "Hello Bertha Sample", false: "Hello Łucja Example-Nguyễn"}[f.ToRequester]
		if !strings.Contains(text, greeted) {
			t.Errorf("%s does not begin %q", name, greeted)
		}
	}
}

func TestReceiptOfTheEffect(t *testing.T) {
	t.Parallel()
	text := compose(t, person(EffectConfirmed, Standard, Out)).Text("")
	for _, row := range []string{
		"Reference: K7Q2-M4WX-9\n", "What was asked: To opt out. No one may look at the record.\n",
		"Who asked: Łucja Example-Nguyễn\n", "When we got it: 1 July 2026\n",
		"How it came: On the form from our leaflet, DCR 2/18\n", "In place from: 10:35am on 3 July 2026\n",
		"In which systems: The list that we check before each look at a record: 10:34am on 3 July 2026\n",
		"In which systems: The place where the records are kept: 10:35am on 3 July 2026\n",
		"Privacy officer: Privacy Officer, Dorset Care Record; 01305 000000; privacy@example.org; County Hall, Colliton Park, Dorchester, DT1 1XJ\n",
		"It stays closed in an emergency too.",
	} {
		if !strings.Contains(text, row) {
			t.Errorf("no %q in\n%s", row, text)
		}
	}
	open := person(EffectConfirmed, Standard, Out)
	open.EmergencyShows = true
	if strings.Contains(compose(t, open).Text(""), "emergency") {
		t.Error("a letter promises more than the policy")
	}
}

// TestAReasonAboutAChildIsNotTold: who is suspected must not read it in a letter.
func TestAReasonAboutAChildIsNotTold(t *testing.T) {
	t.Parallel()
	suspected, usual := forAnother(Refused, Standard, Out, true), forAnother(Refused, Standard, Out, true)
	suspected.Reason, usual.Reason = "safeguarding", "not_entitled"
	if diff := cmp.Diff(compose(t, usual), compose(t, suspected)); diff != "" {
		t.Error(diff)
	}
}

// TestARefusalTellsTheUnprovedNothing: not whether a person is known, nor whether they have opted out.
func TestARefusalTellsTheUnprovedNothing(t *testing.T) {
	t.Parallel()
	for _, format := range Formats() {
		plain := unproved(Refused, format, Out)
		plain.Reason = ""
		for _, reason := range []string{"already_opted_out", "not_opted_out", "person_not_found", "details_differ", "not_entitled", "safeguarding", "new"} {
			f := plain
			f.Reason = reason
			if diff := cmp.Diff(compose(t, plain), compose(t, f)); diff != "" {
				t.Errorf("%s: %s", reason, diff)
			}
		}
	}
}

func TestUnknownWordsAreToldInGeneral(t *testing.T) {
	t.Parallel()
	f := person(EvidenceWanted, Standard, Out)
	f.Wanted = []string{"something_new", "something_newer"}
	c := compose(t, f)
	found := 0
	for _, part := range c.Parts {
		for _, item := range part.List {
			if strings.HasPrefix(item, "Please phone or write to us. We will tell you") {
				found++
			}
		}
	}
	if found != 1 {
		t.Errorf("told %d times", found)
	}
}

// shape is what a letter consists of, without its words.
func shape(c Content) []string {
	var out []string
	for _, p := range c.Parts {
		switch {
		case p.Heading != "":
			out = append(out, "heading "+p.Heading)
		case p.Text != "":
			out = append(out, "text")
		case len(p.List) > 0:
			out = append(out, "list", strings.Repeat("-", len(p.List)))
		default:
			for _, row := range p.Rows {
				out = append(out, "row "+row.Name)
			}
		}
	}
	return out
}

// TestNoNameAltersALetter: HTML, links, line breaks, placeholders, control characters and writing that turns
// round stay in their place, and what is no part of a name shows as damaged.
func TestNoNameAltersALetter(t *testing.T) {
	t.Parallel()
	templates, sender := load(t), officer(t)
	hostile := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"<b>x</b><script>alert(1)</script>", "x\n# Heading\n- item", "{code}", "{person}{requester}", "\uE000",
		"https://example.org/x", "[x](y)", "a\u202Eb", "a\x00b", "\r\nBcc: x@example.org", "%s%n", "{{.To}}", "\u2028x", strings.Repeat("x", 5000),
	}))
	rapid.Check(t, func(t *rapid.T) {
		f := forAnother(rapid.SampledFrom(Kinds()).Draw(t, "kind"), rapid.SampledFrom(Formats()).Draw(t, "format"), Out, rapid.Bool().Draw(t, "to"))
		plain, err := templates.Compose(f, sender)
		if err != nil {
			t.Fatal(err)
		}
		f.Person, f.Requester = "A"+hostile.Draw(t, "person"), "B"+hostile.Draw(t, "requester")
		c, err := templates.Compose(f, sender)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(shape(plain), shape(c)); diff != "" {
			t.Fatal(diff)
		}
		text := c.Text("")
		if strings.Count(text, "\n") != strings.Count(plain.Text(""), "\n") {
			t.Fatalf("a name breaks a line:\n%s", text)
		}
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) || strings.ContainsRune("<>{}[]@#%\uE000", r) && !strings.ContainsRune(plain.Text(""), r) {
				t.Fatalf("%U is in the letter", r)
			}
		}
		if strings.Contains(c.Text("123456"), "123456") != (f.Kind == ConfirmationCode) {
			t.Fatal("a name asks for the code")
		}
	})
}

func TestCleaning(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  Ann \t\n Example ": "Ann Example", "O’Brien-Smith, Jr.": "O’Brien-Smith, Jr.", "D'Arcy (née Roe)": "D'Arcy (née Roe)",
		"李明": "李明", "<i>x</i>": "�i�x��i�", "a\u202Eb": "a�b", "a\xffb": "a�b", "a/b@c:d": "a�b�c�d", "": "",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestTheCodeIsInWhatIsSentAlone(t *testing.T) {
	t.Parallel()
	for _, format := range Formats() {
		c := compose(t, person(ConfirmationCode, format, Out))
		kept, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var again Content
		if err := json.Unmarshal(kept, &again); err != nil {
			t.Fatal(err)
		}
		sent, shown := again.Text("4821-7730"), again.Text("")
		if !strings.Contains(sent, "4821-7730") || !strings.Contains(again.Message("4821-7730"), "code is 4821-7730 for request K7Q2-M4WX-9") {
			t.Errorf("%s: the code is not in it: %s", format, sent)
		}
		if strings.Contains(shown, string(codeMark)) || !strings.Contains(shown, "(not shown)") {
			t.Errorf("%s: shown as %s", format, shown)
		}
	}
}

// TestTextMessageIsOne: a longer one, or one with other characters, would come in pieces.
func TestTextMessageIsOne(t *testing.T) {
	t.Parallel()
	for _, format := range Formats() {
		message := compose(t, person(ConfirmationCode, format, Out)).Message("ABCD-EFGH")
		if n := len(message); n > 160 || strings.ContainsFunc(message, func(r rune) bool { return r > unicode.MaxASCII }) {
			t.Errorf("%d characters: %s", n, message)
		}
	}
}

func TestPrintedLetters(t *testing.T) {
	t.Parallel()
	press, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	address := []string{"Łucja Example-Nguyễn", "1 High Street", "Dorchester", "DT1 1XJ"}
	pages := map[Format]int{}
	for name, f := range everyCase() {
		c := compose(t, f)
		out, err := press.Render(c.Document(address, "4821-7730", printed))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(out.Missing) > 0 {
			t.Errorf("%s: %q cannot be printed", name, out.Missing)
		}
		text := body(t, out.Bytes)
		for _, part := range c.Parts {
			for _, want := range append(part.List, part.Heading, withCode(part.Text, "4821-7730")) {
				if !strings.Contains(strings.ReplaceAll(text, "• ", ""), want) {
					t.Errorf("%s: %q is not printed", name, want)
				}
			}
		}
		if !strings.Contains(text, strings.Join(address, " ")) || strings.Contains(pdftest.Metadata(t, out.Bytes)["Title"], "Example") {
			t.Errorf("%s: address or metadata are wrong", name)
		}
		pages[f.Format] += out.Pages
		if out.Pages > 10 {
			t.Errorf("%s has %d pages, more than are posted", name, out.Pages)
		}
	}
	if pages[LargePrint] <= pages[Standard] {
		t.Errorf("pages by format: %v", pages)
	}
}

// body is what is printed, without the two lines at the foot of each page.
func body(t *testing.T, file []byte) string {
	t.Helper()
	var all []string
	for _, page := range pdftest.Pages(t, file) {
		lines := strings.Split(page, "\n")
		all = append(all, lines[:len(lines)-2]...)
	}
	return strings.Join(strings.Fields(strings.Join(all, " ")), " ")
}

func TestFactsThatMakeNoLetter(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Facts, *Sender){
		"no reference": func(f *Facts, _ *Sender) { f.Reference = "" },
		"no kind":      func(f *Facts, _ *Sender) { f.Kind = "poem" },
		"no format":    func(f *Facts, _ *Sender) { f.Format = "" },
		"no zone":      func(_ *Facts, s *Sender) { s.Zone = nil },
	} {
		f, s := person(Refused, Standard, Out), officer(t)
		change(&f, &s)
		if _, err := load(t).Compose(f, s); err == nil {
			t.Errorf("%s: composed", name)
		}
	}
}
