package letter

import (
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/pdf"
)

// Content is a letter in words: what is kept of it, and what every rendering is made from. It marshals to
// JSON. It holds neither address nor one-time code: those come from elsewhere when it is rendered to be
// sent, and never when it is shown.
type Content struct {
	Kind   Kind   `json:"kind"`
	Format Format `json:"format"`
	// Template names the words: file and version.
	Template string `json:"template"`
	// Title of the letter, also the subject of an email.
	Title string `json:"title"`
	// Sender's lines at the top.
	Sender []string `json:"sender"`
	// Foot of each page.
	Foot string `json:"foot"`
	// Parts in order.
	Parts []Part `json:"parts"`
	// Short is the text message; empty where the kind has none.
	Short string `json:"short,omitempty"`
}

// Part is a piece of a letter: exactly one of its fields is set.
type Part struct {
	Heading string   `json:"heading,omitempty"`
	Text    string   `json:"text,omitempty"`
	List    []string `json:"list,omitempty"`
	Rows    []Row    `json:"rows,omitempty"`
}

// Row is a line of the receipt.
type Row struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// hidden stands for the code where a letter is shown and not sent.
const hidden = "(not shown)"

// withCode puts the code where it belongs.
func withCode(s, code string) string {
	if code == "" {
		code = hidden
	}
	return strings.ReplaceAll(s, string(codeMark), code)
}

// Message is the text message, with the code; empty when the kind has none.
func (c Content) Message(code string) string { return withCode(c.Short, code) }

// Text is the letter as plain text, with the code; without one it says that it is not shown.
func (c Content) Text(code string) string {
	var b strings.Builder
	for i, part := range c.Parts {
		if i > 0 {
			b.WriteString("\n")
		}
		part.write(&b)
	}
	return withCode(b.String(), code)
}

func (p Part) write(b *strings.Builder) {
	switch {
	case p.Heading != "":
		b.WriteString(strings.ToUpper(p.Heading) + "\n")
	case p.Text != "":
		b.WriteString(p.Text + "\n")
	}
	for _, item := range p.List {
		b.WriteString("- " + item + "\n")
	}
	for _, row := range p.Rows {
		b.WriteString(row.Name + ": " + row.Value + "\n")
	}
}

// Document is the letter to be printed: to that address (none: an address is not kept with a letter), with
// that code, dated made.
func (c Content) Document(address []string, code string, made time.Time) pdf.Document {
	d := pdf.Document{Title: c.Title, Lang: "en-GB", Made: made, Sender: c.Sender, Address: address, Footer: c.Foot}
	if c.Format != Standard {
		d.Format = pdf.LargePrint
	}
	level := 1
	for _, part := range c.Parts {
		switch {
		case part.Heading != "":
			d.Body = append(d.Body, pdf.Heading{Level: level, Text: part.Heading})
			level = 2
		case part.Text != "":
			d.Body = append(d.Body, pdf.Paragraph{Text: withCode(part.Text, code), Strong: part.Text == string(codeMark)})
		case len(part.List) > 0:
			d.Body = append(d.Body, pdf.List{Items: part.List})
		case len(part.Rows) > 0:
			d.Body = append(d.Body, pairs(part.Rows))
		}
	}
	return d
}

func pairs(rows []Row) pdf.Pairs {
	out := make(pdf.Pairs, len(rows))
	for i, row := range rows {
		out[i] = pdf.Pair{Name: row.Name, Value: row.Value}
	}
	return out
}
