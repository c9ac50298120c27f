package pdf

const (
	gap    = 0.5 // of a line, between blocks
	indent = 6.0 // of a list, in millimetres
	bullet = "•"
	named  = 0.36 // share of the width that names take in Pairs
	gutter = 2.0  // between columns
)

// space leaves the gap between blocks, but not at the top of a page.
func (p *page) space() {
	if p.y > marginTop {
		p.y += gap * lineHeight(p.size.body)
	}
}

func (h Heading) draw(p *page) {
	points := p.size.heading2
	if h.Level == 1 {
		points = p.size.heading1
	}
	p.space()
	p.style(points, true)
	lines := p.split(h.Text, p.width)
	// A heading takes two lines of what follows with it.
	p.need(float64(len(lines))*lineHeight(points) + 2*lineHeight(p.size.body))
	p.flow(marginLeft, points, true, lines)
}

func (t Paragraph) draw(p *page) {
	p.space()
	p.style(p.size.body, t.Strong)
	p.flow(marginLeft, p.size.body, t.Strong, p.split(t.Text, p.width))
}

func (l List) draw(p *page) {
	p.space()
	for _, item := range l.Items {
		p.style(p.size.body, false)
		lines := p.split(item, p.width-indent)
		height := lineHeight(p.size.body)
		p.need(height)
		p.style(p.size.body, false)
		p.put(marginLeft, p.y, height, bullet)
		p.flow(marginLeft+indent, p.size.body, false, lines)
	}
}

func (rows Pairs) draw(p *page) {
	p.space()
	nameWidth := named * p.width
	points, height := p.size.body, lineHeight(p.size.body)
	for _, row := range rows {
		p.style(points, true)
		names := p.split(row.Name, nameWidth-gutter)
		p.style(points, false)
		values := p.split(row.Value, p.width-nameWidth)
		// Name and value stand on the same page when they fit on one.
		p.need(min(float64(max(len(names), len(values)))*height, p.bottom-marginTop))
		for i := range max(len(names), len(values)) {
			p.need(height)
			if i < len(names) {
				p.style(points, true)
				p.put(marginLeft, p.y, height, names[i])
			}
			if i < len(values) {
				p.style(points, false)
				p.put(marginLeft+nameWidth, p.y, height, values[i])
			}
			p.y += height
		}
	}
}
