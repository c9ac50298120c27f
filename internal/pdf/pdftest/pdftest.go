// Package pdftest reads PDFs back in tests.
package pdftest

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ledongthuc/pdf"
)

// Pages gives the text of each page: a line for each piece of text that was printed, in the order in
// which it was printed. It reads what package pdf writes, where each code of a string is the UTF-16
// character itself, as the file's own map to Unicode says; it fails the test when a font has another map.
func Pages(t testing.TB, file []byte) []string {
	t.Helper()
	r := open(t, file)
	pages := make([]string, r.NumPage())
	for i := range pages {
		p := r.Page(i + 1)
		for _, name := range p.Fonts() {
			if !identity(t, p.Font(name)) {
				t.Fatalf("font %s has no identical map to Unicode: its text cannot be extracted", name)
			}
		}
		pages[i] = strings.Join(printed(p), "\n")
	}
	return pages
}

// Text gives the text of all pages with single spaces, whatever the lines were.
func Text(t testing.TB, file []byte) string {
	t.Helper()
	return strings.Join(strings.Fields(strings.Join(Pages(t, file), "\n")), " ")
}

// Metadata gives the information dictionary, and the language under "Lang".
func Metadata(t testing.TB, file []byte) map[string]string {
	t.Helper()
	trailer := open(t, file).Trailer()
	found := map[string]string{"Lang": trailer.Key("Root").Key("Lang").Text()}
	info := trailer.Key("Info")
	for _, key := range info.Keys() {
		found[key] = info.Key(key).Text()
	}
	return found
}

func open(t testing.TB, file []byte) *pdf.Reader {
	t.Helper()
	r, err := pdf.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("read PDF: %v", err)
	}
	return r
}

// printed are the strings that a page shows.
func printed(p pdf.Page) []string {
	var lines []string
	pdf.Interpret(p.V.Key("Contents"), func(stack *pdf.Stack, op string) {
		args := make([]pdf.Value, stack.Len())
		for i := len(args) - 1; i >= 0; i-- {
			args[i] = stack.Pop()
		}
		if op == "Tj" && len(args) == 1 {
			lines = append(lines, decode(args[0].RawString()))
		}
	})
	return lines
}

func decode(raw string) string {
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
	}
	return string(utf16.Decode(units))
}

// identity tells whether a font's codes are Unicode themselves.
func identity(t testing.TB, font pdf.Font) bool {
	t.Helper()
	stream := font.V.Key("ToUnicode")
	if stream.IsNull() {
		return false
	}
	r := stream.Reader()
	defer r.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(r); err != nil {
		t.Fatalf("read map to Unicode: %v", err)
	}
	return strings.Contains(text.String(), "<0000> <FFFF> <0000>")
}
