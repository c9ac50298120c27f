package manifests_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	// instrument is how a metric is made in the source.
	instrument = regexp.MustCompile(`\.(?:Int64|Float64)(Observable)?(Counter|UpDownCounter|Gauge|Histogram)\(\s*"(dcr\.[a-z0-9_.]+)"(?:,\s*metric\.WithUnit\("([^"]*)"\))?`)
	// helped is how one is made where a package makes many: counter(&m.terms, "dcr.…"), gauge("dcr.…").
	helped = regexp.MustCompile(`\b(counter|gauge)\((?:&[a-zA-Z.]+, )?"(dcr\.[a-z0-9_.]+)"`)
	// plain is how dcrctl makes one, under the name that a scraper sees.
	plain = regexp.MustCompile(`prometheus\.(?:Counter|Gauge)Opts\{Name: "(dcr_[a-z0-9_]+)"`)
	// documented is a metric's name in the first column of a table.
	documented = regexp.MustCompile("(?m)^\\| `(dcr_[a-z0-9_]+)`")
)

// TestMetricsDocument: docs/operations/metrics.md lists every metric that the source makes, under the name that a
// scraper sees, and no other.
func TestMetricsDocument(t *testing.T) {
	made := map[string]bool{}
	for _, module := range append(processes(), "internal", "dcrctl") {
		err := filepath.WalkDir(filepath.Join(root, module), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range instrument.FindAllStringSubmatch(string(text), -1) {
				made[scraped(m[2], m[3], m[4])] = true
			}
			for _, m := range helped.FindAllStringSubmatch(string(text), -1) {
				made[scraped(strings.ToUpper(m[1][:1])+m[1][1:], m[2], "")] = true
			}
			for _, m := range plain.FindAllStringSubmatch(string(text), -1) {
				made[m[1]] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/operations/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range documented.FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, m[1])
	}
	slices.Sort(listed)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(made)), listed); diff != "" {
		t.Errorf("source (-) and metrics.md (+) differ:\n%s", diff)
	}
}

// scraped is the name under which the Prometheus exporter shows a metric.
func scraped(kind, name, unit string) string {
	name = strings.ReplaceAll(name, ".", "_")
	if unit == "s" {
		name += "_seconds"
	}
	if kind == "Counter" {
		name += "_total"
	}
	return name
}
