package bench

import (
	"fmt"
	"io"
	"time"
)

// Table prints results as Markdown, each beside the first: what the first could be at best or is.
func Table(out io.Writer, title, unit string, results []Result) {
	fmt.Fprintf(out, "\n### %s\n\n| | %s per second: median (min–max) | server CPU for one: median (min–max) | rate beside the last | CPU beside the last |\n|---|---|---|---|---|\n", title, unit)
	last := results[len(results)-1]
	lastRate, _, _ := middle(last.Samples, rate)
	lastCPU, _, _ := middle(last.Samples, cpu)
	for _, r := range results {
		m, least, most := middle(r.Samples, rate)
		c, cLeast, cMost := middle(r.Samples, cpu)
		fmt.Fprintf(out, "| %s | %.0f (%.0f–%.0f) | %s (%s–%s) | %.2f | %.2f |\n", r.Name, m, least, most,
			short(c), short(cLeast), short(cMost), m/lastRate, float64(c)/float64(lastCPU))
	}
}

func rate(s Sample) float64      { return s.Rate }
func cpu(s Sample) time.Duration { return s.CPU }

func short(d time.Duration) string { return d.Round(time.Microsecond).String() }
