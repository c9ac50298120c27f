package pdf

import "fmt"

const (
	ruleWidth  = 0.2
	rowPadding = 1.0 // above and below a row's text
	footRows   = 3   // lines of a row that must fit below a heading
)

// grid is a table being printed.
type grid struct {
	*page
	widths []float64
	titles []string
	points float64
	line   float64
}

func (t Table) draw(p *page) {
	g := &grid{page: p, widths: t.widths(p.width), points: p.size.table, line: lineHeight(p.size.table)}
	for _, c := range t.Columns {
		g.titles = append(g.titles, c.Title)
	}
	p.space()
	g.need(g.headHeight() + footRows*g.line)
	g.head()
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			p.err = fmt.Errorf("%w: row %d has %d of %d", ErrCells, i+1, len(row), len(t.Columns))
			return
		}
		g.row(row)
	}
}

// widths shares the width out by weight.
func (t Table) widths(width float64) []float64 {
	sum := 0.0
	for _, c := range t.Columns {
		sum += c.Weight
	}
	out := make([]float64, len(t.Columns))
	for i, c := range t.Columns {
		if sum > 0 {
			out[i] = width * c.Weight / sum
			continue
		}
		out[i] = width / float64(len(t.Columns))
	}
	return out
}

// cells breaks each cell into lines, and tells how many the longest has.
func (g *grid) cells(texts []string, strong bool) (cells [][]string, most int) {
	g.style(g.points, strong)
	cells = make([][]string, len(texts))
	for i, text := range texts {
		cells[i] = g.split(text, g.widths[i]-gutter)
		most = max(most, len(cells[i]))
	}
	return cells, most
}

func (g *grid) headHeight() float64 {
	_, most := g.cells(g.titles, true)
	return float64(most)*g.line + 2*rowPadding
}

// head prints the column titles.
func (g *grid) head() {
	cells, most := g.cells(g.titles, true)
	g.rule()
	g.y += rowPadding
	for i := range most {
		g.lineOf(cells, i, true)
	}
	g.y += rowPadding
	g.rule()
}

// row prints a row, on one page when it fits on one below the titles.
func (g *grid) row(texts []string) {
	cells, most := g.cells(texts, false)
	height := float64(most)*g.line + 2*rowPadding
	room := g.bottom - marginTop - g.headHeight()
	if g.y+height > g.bottom && (height <= room || g.y+footRows*g.line > g.bottom) {
		g.next()
	}
	g.y += rowPadding
	for i := range most {
		if g.y+g.line > g.bottom {
			g.next()
			g.y += rowPadding
		}
		g.lineOf(cells, i, false)
	}
	g.y += rowPadding
	g.rule()
}

// next turns the page and repeats the titles.
func (g *grid) next() {
	g.turn()
	g.head()
}

// lineOf prints the i-th line of each cell.
func (g *grid) lineOf(cells [][]string, i int, strong bool) {
	g.style(g.points, strong)
	x := marginLeft
	for c, lines := range cells {
		if i < len(lines) {
			g.put(x, g.y, g.line, lines[i])
		}
		x += g.widths[c]
	}
	g.y += g.line
}

// rule draws a line across.
func (g *grid) rule() {
	g.pdf.SetLineWidth(ruleWidth)
	g.pdf.Line(marginLeft, g.y, marginLeft+g.width, g.y)
}
