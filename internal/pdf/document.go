// Package pdf makes A4 letters and table documents. A document is data: equal documents give equal
// bytes, whenever and wherever they are rendered. Text is embedded as Unicode text in a free font
// (Liberation Sans), so it can be searched, copied and read aloud.
//
// The font has Latin (Vietnamese too), Greek and Cyrillic letters. What it cannot print (other
// scripts, text that runs from right to left, control characters) is never dropped: it shows as □,
// and a note at the end of the document says which characters these were.
//
// Nothing of a document reaches its metadata but title, language and date: a title is fixed words of
// the program, never a person's name.
package pdf

import "time"

// Format is how large a document is printed.
type Format int

// The formats. Large print is 18 points: the size that the Accessible Information Standard's
// readers ask for most.
const (
	Standard Format = iota
	LargePrint
)

// Document is what is to be printed.
type Document struct {
	// Title goes into the metadata and names the document in a reader's window. It is not printed. It
	// must not name a person. Required.
	Title string
	// Lang is the language of the text, for screen readers: "en-GB". Required.
	Lang string
	// Made is the date in the metadata. It is given, so that the same document has the same bytes. Required.
	Made time.Time
	// Format is the size of print.
	Format Format
	// Landscape turns the pages, for wide tables. A document with an address cannot be turned.
	Landscape bool
	// Sender is printed at the top right of the first page, line by line.
	Sender []string
	// Address is who it is sent to, line by line, printed where a window envelope shows it (and where
	// GOV.UK Notify looks for it): at most 7 lines of the printed width.
	Address []string
	// Footer is printed at the left of each page's foot, beside "Page 1 of 2".
	Footer string
	// Body is everything else, in order. Required.
	Body []Block
}

// Block is a part of a document's body: Heading, Paragraph, List, Pairs or Table.
type Block interface {
	draw(*page)
}

// Heading stands above what it names, and is never the last thing on a page. Level 1 is the largest,
// 2 the next; other levels print as 2.
type Heading struct {
	Level int
	Text  string
}

// Paragraph is running text. Line breaks in it are kept.
type Paragraph struct {
	Text string
	// Strong prints it in bold.
	Strong bool
}

// List is a list with bullets.
type List struct {
	Items []string
}

// Pair is a name and its value.
type Pair struct {
	Name, Value string
}

// Pairs are names with their values beside them.
type Pairs []Pair

// Column is a column of a table. Weight is its share of the width; all zero gives equal shares.
type Column struct {
	Title  string
	Weight float64
}

// Table is rows under headings, which are repeated on each page. A row is kept together on one page
// when it fits on one. A row with more or fewer cells than columns is an error.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// Rendered is a printed document.
type Rendered struct {
	// Bytes are the PDF file.
	Bytes []byte
	// Pages is how many pages it has.
	Pages int
	// Missing are the characters that could not be printed, each once, in order. The document itself
	// says so too.
	Missing []rune
}
