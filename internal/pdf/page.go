package pdf

import (
	"fmt"

	"codeberg.org/go-pdf/fpdf"
)

// Distances are millimetres from the top left corner. Those of sender, address and body are what
// GOV.UK Notify asks of a letter that comes as a PDF.
const (
	marginLeft    = 24.6
	marginRight   = 20.0
	marginTop     = 18.0
	marginFoot    = 25.0
	footAt        = 17.0 // above the lower edge
	senderLeft    = 127.0
	addressTop    = 39.5
	addressWidth  = 95.4
	addressLine   = 3.8
	addressPoints = 10.0
	addressLines  = 7
	bodyTop       = 95.0
	pointToMM     = 25.4 / 72
	leading       = 1.4 // line height of text, in its own size
)

// sizes are those of the print, in points.
type sizes struct {
	body, heading1, heading2, table, small float64
}

func (f Format) sizes() sizes {
	if f == LargePrint {
		return sizes{body: 18, heading1: 26, heading2: 22, table: 18, small: 16}
	}
	return sizes{body: 12, heading1: 18, heading2: 14, table: 10, small: 9}
}

// page is where the next thing is printed, and the file behind it. The first error is kept.
type page struct {
	pdf    *fpdf.Fpdf
	text   *cleaner
	size   sizes
	width  float64 // of the text
	bottom float64 // where text ends
	y      float64
	err    error
}

func newPage(d Document, text *cleaner) *page {
	p := &page{pdf: newFile(d, text.line(d.Title)), text: text, size: d.Format.sizes()}
	width, height := p.pdf.GetPageSize()
	p.width, p.bottom = width-marginLeft-marginRight, height-marginFoot
	p.turn()
	return p
}

// turn goes on to a new page.
func (p *page) turn() {
	p.pdf.AddPage()
	p.y = marginTop
}

// need turns the page unless that height is left on it.
func (p *page) need(height float64) {
	if p.y+height > p.bottom && p.y > marginTop {
		p.turn()
	}
}

// style chooses the font.
func (p *page) style(points float64, strong bool) {
	style := ""
	if strong {
		style = "B"
	}
	p.pdf.SetFont(family, style, points)
}

// lineHeight of text of that size, in millimetres.
func lineHeight(points float64) float64 { return points * leading * pointToMM }

// split makes text printable and breaks it into lines of that width, in the style chosen.
func (p *page) split(text string, width float64) []string {
	var out []string
	for _, line := range p.text.lines(text) {
		out = append(out, wrap(line, width, p.pdf.GetStringWidth)...)
	}
	return out
}

// put prints one line with its top at y.
func (p *page) put(x, y, height float64, line string) {
	p.pdf.SetXY(x, y)
	p.pdf.CellFormat(p.pdf.GetStringWidth(line), height, line, "", 0, "L", false, 0, "")
}

// flow prints lines one below the other, turning pages.
func (p *page) flow(x float64, points float64, strong bool, lines []string) {
	height := lineHeight(points)
	for _, line := range lines {
		p.need(height)
		p.style(points, strong)
		p.put(x, p.y, height, line)
		p.y += height
	}
}

// letterhead prints sender and address, and goes on below them.
func (p *page) letterhead(sender, address []string) {
	if len(sender) == 0 && len(address) == 0 {
		return
	}
	p.style(p.size.small, false)
	width, _ := p.pdf.GetPageSize()
	for _, line := range sender {
		for _, part := range p.split(line, width-marginRight-senderLeft) {
			p.put(senderLeft, p.y, lineHeight(p.size.small), part)
			p.y += lineHeight(p.size.small)
		}
	}
	p.address(address)
	p.y = max(p.y, bodyTop)
}

func (p *page) address(address []string) {
	p.style(addressPoints, false)
	var lines []string
	for _, line := range address {
		lines = append(lines, p.split(line, addressWidth)...)
	}
	if len(lines) > addressLines {
		p.err = fmt.Errorf("%w: %d lines of %d", ErrAddress, len(lines), addressLines)
		return
	}
	for i, line := range lines {
		p.put(marginLeft, addressTop+float64(i)*addressLine, addressLine, line)
	}
}

// noteMissing says what could not be printed.
func (p *page) noteMissing() {
	if note := p.text.note(); note != "" {
		Paragraph{Text: note}.draw(p)
	}
}

// footers are printed when the number of pages is known.
func (p *page) footers(text string) {
	pages := p.pdf.PageCount()
	width, height := p.pdf.GetPageSize()
	line := p.text.line(text)
	for n := 1; n <= pages; n++ {
		p.pdf.SetPage(n)
		p.style(p.size.small, false)
		number := fmt.Sprintf("Page %d of %d", n, pages)
		p.put(width-marginRight-p.pdf.GetStringWidth(number), height-footAt, lineHeight(p.size.small), number)
		p.put(marginLeft, height-footAt, lineHeight(p.size.small), line)
	}
}
