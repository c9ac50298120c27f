package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"
)

// What is wrong with a document that cannot be printed.
var (
	// ErrIncomplete says that title, language, date or body is missing.
	ErrIncomplete = errors.New("a document needs a title, a language, a date and a body")
	// ErrAddress says that an address does not fit into the window of an envelope.
	ErrAddress = errors.New("the address does not fit into the window of an envelope")
	// ErrCells says that a row of a table has not as many cells as there are columns.
	ErrCells = errors.New("a row of the table has not as many cells as there are columns")
)

// producer is what the metadata call the program.
const producer = "Dorset Care Record"

// family is the name of the font inside a document.
const family = "liberation"

// Press prints documents. It is safe for concurrent use.
type Press struct {
	regular, bold *sfnt.Font
}

// New reads the fonts.
func New() (*Press, error) {
	regular, err := sfnt.Parse(liberationsansregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	bold, err := sfnt.Parse(liberationsansbold.TTF)
	if err != nil {
		return nil, fmt.Errorf("read bold font: %w", err)
	}
	return &Press{regular: regular, bold: bold}, nil
}

// Render prints a document: some 10 ms and 20 KB for a page. Errors: ErrIncomplete, ErrAddress,
// ErrCells, and those of the library.
func (p *Press) Render(d Document) (Rendered, error) {
	if strings.TrimSpace(d.Title) == "" || d.Lang == "" || d.Made.IsZero() || len(d.Body) == 0 {
		return Rendered{}, ErrIncomplete
	}
	if d.Landscape && len(d.Address) > 0 {
		return Rendered{}, fmt.Errorf("%w: the pages are turned", ErrAddress)
	}
	text := p.newCleaner()
	out := newPage(d, text)
	out.letterhead(d.Sender, d.Address)
	for _, block := range d.Body {
		block.draw(out)
	}
	out.noteMissing()
	out.footers(d.Footer)
	if out.err != nil {
		return Rendered{}, out.err
	}
	var file bytes.Buffer
	pages := out.pdf.PageCount()
	if err := out.pdf.Output(&file); err != nil {
		return Rendered{}, fmt.Errorf("write PDF: %w", err)
	}
	return Rendered{Bytes: file.Bytes(), Pages: pages, Missing: text.missing}, nil
}

// newFile opens an empty file. Breaking pages and printing footers is ours: the library's own ways
// replace marks in the text, and a person's text might hold such a mark.
func newFile(d Document, title string) *fpdf.Fpdf {
	orientation := "P"
	if d.Landscape {
		orientation = "L"
	}
	f := fpdf.New(orientation, "mm", "A4", "")
	f.SetCatalogSort(true)
	f.SetCreationDate(d.Made.UTC())
	f.SetModificationDate(d.Made.UTC())
	f.SetProducer(producer, true)
	f.SetTitle(title, true)
	f.SetLang(d.Lang)
	f.SetDisplayMode("default", "default")
	f.SetAutoPageBreak(false, 0)
	f.SetCellMargin(0)
	f.AddUTF8FontFromBytes(family, "", liberationsansregular.TTF)
	f.AddUTF8FontFromBytes(family, "B", liberationsansbold.TTF)
	return f
}
