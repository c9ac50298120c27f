package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/dorsetcarerecord/dcr/internal/pdf/pdftest"
)

var made = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

func newPress(t testing.TB) *Press {
	t.Helper()
	press, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return press
}

func render(t testing.TB, d Document) Rendered {
	t.Helper()
	out, err := newPress(t).Render(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func document(body ...Block) Document {
	return Document{Title: "Test document", Lang: "en-GB", Made: made, Body: body}
}

func TestEveryBlockCanBeReadBack(t *testing.T) {
	t.Parallel()
	d := document(
		Heading{Level: 1, Text: "What you asked"},
		Paragraph{Text: "First line.\nSecond line."},
		List{Items: []string{"one thing", "another thing"}},
		Pairs{{Name: "Reference", Value: "ABCD-1234"}, {Name: "Asked on", Value: "22 November 2026"}},
		Table{Columns: []Column{{Title: "When"}, {Title: "Who"}}, Rows: [][]string{{"Monday", "A paramedic"}}},
	)
	d.Sender = []string{"The privacy officer", "County Hall"}
	d.Address = []string{"The Occupier", "1 High Street", "Dorchester", "DT1 1XJ"}
	d.Footer = "Reference ABCD-1234"
	got := pdftest.Pages(t, render(t, d).Bytes)
	want := []string{strings.Join([]string{
		"The privacy officer", "County Hall", "The Occupier", "1 High Street", "Dorchester", "DT1 1XJ",
		"What you asked", "First line.", "Second line.", "•", "one thing", "•", "another thing",
		"Reference", "ABCD-1234", "Asked on", "22 November 2026",
		"When", "Who", "Monday", "A paramedic", "Page 1 of 1", "Reference ABCD-1234",
	}, "\n")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMetadataHoldTitleLanguageAndDateAlone(t *testing.T) {
	t.Parallel()
	d := document(Paragraph{Text: "Dear Łucja Ødegård"})
	d.Address = []string{"Łucja Ødegård"}
	got := pdftest.Metadata(t, render(t, d).Bytes)
	want := map[string]string{
		"Lang": "en-GB", "Title": "Test document", "Producer": "Dorset Care Record",
		"CreationDate": "D:20261122093000", "ModDate": "D:20261122093000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEqualDocumentsHaveEqualBytes(t *testing.T) {
	t.Parallel()
	d := document(Heading{Text: "Zażółć gęślą jaźń"}, Paragraph{Text: "Ελληνικά, Українська, Nguyễn, “quotes” – dashes"})
	elsewhere := d
	elsewhere.Made = made.In(time.FixedZone("elsewhere", 3*3600))
	press := newPress(t)
	first, err := press.Render(d)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			again, err := press.Render([]Document{d, elsewhere}[i%2])
			if err != nil || !bytes.Equal(first.Bytes, again.Bytes) {
				t.Errorf("rendering %d differs (%v)", i, err)
			}
		})
	}
	group.Wait()
}

func TestAlphabetsOfTheFont(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Zażółć gęślą jaźń", "Ștefan Țară", "Nguyễn Thị Đặng", "Ọlábísí Ṣadé", "Iñaki Ağaoğlu İ",
		"Αθηνά Παπαδοπούλου", "Олександр Їжакевич Ґ", "Siân Ŵyn", "£5 – “so” … €",
	} {
		out := render(t, document(Paragraph{Text: text}))
		if got := pdftest.Text(t, out.Bytes); !strings.Contains(got, text) || len(out.Missing) != 0 {
			t.Errorf("%q reads as %q, missing %q", text, got, out.Missing)
		}
	}
}

func TestAccentsAreComposed(t *testing.T) {
	t.Parallel()
	got := pdftest.Text(t, render(t, document(Paragraph{Text: "Sian with Sia\u0302n, Nguye\u0302\u0303n"})).Bytes)
	if !strings.Contains(got, "Siân, Nguyễn") {
		t.Error(got)
	}
}

func TestWhatCannotBePrintedIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		missing []rune
		shown   string
	}{
		"another script":    {"李 明", []rune("李明"), "□ □"},
		"right to left":     {"יוסף", []rune("יוסף"), "□□□□"},
		"bidirectional":     {"a\u202Ecba", []rune{0x202E}, "a□cba"},
		"zero width":        {"a\u200Bb", []rune{0x200B}, "a□b"},
		"control character": {"a\x07b\x00c", []rune{7, 0}, "a□b□c"},
		"beyond the plane":  {"a😀b", []rune{'😀'}, "a□b"},
		"not UTF-8":         {"a\xffb", []rune{0xFFFD}, "a□b"},
		"private use":       {"a\uE000b", []rune{0xE000}, "a□b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := render(t, document(Paragraph{Text: c.text}))
			if diff := cmp.Diff(c.missing, out.Missing); diff != "" {
				t.Error(diff)
			}
			got := pdftest.Text(t, out.Bytes)
			if !strings.HasPrefix(got, c.shown+" Some characters cannot be printed") {
				t.Error(got)
			}
			for _, r := range c.missing {
				if code := fmt.Sprintf("U+%04X", r); !strings.Contains(got, code) {
					t.Errorf("%s is not named in %q", code, got)
				}
			}
		})
	}
}

func TestTablesRepeatTheirHeadings(t *testing.T) {
	t.Parallel()
	rows := make([][]string, 200)
	for i := range rows {
		rows[i] = []string{fmt.Sprintf("row %03d", i), strings.Repeat("words ", i%20) + "end"}
	}
	out := render(t, document(Table{Columns: []Column{{Title: "Number", Weight: 1}, {Title: "Text", Weight: 3}}, Rows: rows}))
	pages := pdftest.Pages(t, out.Bytes)
	if len(pages) != out.Pages || len(pages) < 4 {
		t.Fatalf("%d pages, said %d", len(pages), out.Pages)
	}
	for i, page := range pages {
		if !strings.HasPrefix(page, "Number\nText\nrow ") {
			t.Errorf("page %d begins %q", i+1, page[:40])
		}
		if want := fmt.Sprintf("Page %d of %d", i+1, len(pages)); !strings.Contains(page, want) {
			t.Errorf("page %d has no %q", i+1, want)
		}
		if strings.Count(page, "row ") != strings.Count(page, "end") {
			t.Errorf("a row of page %d is cut", i+1)
		}
	}
	all := strings.Join(pages, "\n")
	for i := range rows {
		if n := strings.Count(all, fmt.Sprintf("row %03d", i)); n != 1 {
			t.Errorf("row %d is there %d times", i, n)
		}
	}
}

func TestALongRowGoesOnOverPages(t *testing.T) {
	t.Parallel()
	long := strings.TrimSpace(strings.Repeat("word ", 4000))
	for _, landscape := range []bool{false, true} {
		d := document(Table{Columns: []Column{{Title: "Only"}}, Rows: [][]string{{long}, {"last"}}}, Paragraph{Text: "after"})
		d.Landscape = landscape
		out := render(t, d)
		text := pdftest.Text(t, out.Bytes)
		if n := strings.Count(text, "word"); n != 4000 || !strings.Contains(text, "last after") || out.Pages < 3 {
			t.Errorf("landscape %v: %d words on %d pages", landscape, n, out.Pages)
		}
	}
}

func TestLargePrintIsLarger(t *testing.T) {
	t.Parallel()
	d := document(Paragraph{Text: strings.Repeat("word ", 600)})
	standard := render(t, d)
	d.Format = LargePrint
	large := render(t, d)
	if standard.Pages >= large.Pages {
		t.Errorf("%d pages, in large print %d", standard.Pages, large.Pages)
	}
	if !bytes.Equal([]byte(pdftest.Text(t, standard.Bytes))[:100], []byte(pdftest.Text(t, large.Bytes))[:100]) {
		t.Error("large print has other words")
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	body := Paragraph{Text: "x"}
	for name, c := range map[string]struct {
		d    Document
		want error
	}{
		"no title":            {Document{Lang: "en-GB", Made: made, Body: []Block{body}}, ErrIncomplete},
		"no language":         {Document{Title: "x", Made: made, Body: []Block{body}}, ErrIncomplete},
		"no date":             {Document{Title: "x", Lang: "en-GB", Body: []Block{body}}, ErrIncomplete},
		"no body":             {Document{Title: "x", Lang: "en-GB", Made: made}, ErrIncomplete},
		"too long an address": {Document{Title: "x", Lang: "en-GB", Made: made, Body: []Block{body}, Address: strings.Split("12345678", "")}, ErrAddress},
		"turned address":      {Document{Title: "x", Lang: "en-GB", Made: made, Body: []Block{body}, Address: []string{"x"}, Landscape: true}, ErrAddress},
		"cells":               {document(Table{Columns: []Column{{Title: "x"}}, Rows: [][]string{{"a", "b"}}}), ErrCells},
	} {
		if _, err := newPress(t).Render(c.d); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	length := func(s string) float64 { return float64(len([]rune(s))) }
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", []string{""}},
		{"one two three", []string{"one two", "three"}},
		{"abcdefghij", []string{"abcdefg", "hij"}},
		{"a abcdefghij b", []string{"a", "abcdefg", "hij b"}},
		{"exactly", []string{"exactly"}},
	} {
		if diff := cmp.Diff(c.want, wrap(c.line, 7, length)); diff != "" {
			t.Errorf("%q: %s", c.line, diff)
		}
	}
}

// TestAnyTextIsPrinted: whatever the text, every character is printed, as itself or as the mark.
func TestAnyTextIsPrinted(t *testing.T) {
	t.Parallel()
	press := newPress(t)
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.String().Draw(rt, "text")
		out, err := press.Render(document(Paragraph{Text: text}))
		if err != nil {
			rt.Fatal(err)
		}
		got := strings.Join(pdftest.Pages(t, out.Bytes), "")
		for _, r := range press.newCleaner().line(text) {
			if r != ' ' && !strings.ContainsRune(got, r) {
				rt.Errorf("%U of %q is not printed", r, text)
			}
		}
	})
}

// FuzzText: breaking text into lines loses and adds nothing, and leaves nothing that the font has not.
func FuzzText(f *testing.F) {
	f.Add("Łucja <b>x</b> {nb} \u202E 李", 7)
	press := newPress(f)
	f.Fuzz(func(t *testing.T, text string, width int) {
		cleaner := press.newCleaner()
		for _, line := range cleaner.lines(text) {
			parts := wrap(line, float64(width), func(s string) float64 { return float64(utf8.RuneCountInString(s)) })
			if joined, want := strings.Join(parts, ""), strings.ReplaceAll(line, " ", ""); strings.ReplaceAll(joined, " ", "") != want {
				t.Errorf("%q became %q", line, parts)
			}
			for _, r := range line {
				if !cleaner.covers(r) {
					t.Errorf("%U cannot be printed", r)
				}
			}
		}
	})
}
