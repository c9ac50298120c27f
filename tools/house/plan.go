package main

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strings"
)

// prefix of every module of the suite.
const prefix = "github.com/dorsetcarerecord/dcr/"

// impure are the imports that a room of decisions must do without: a decision is a function of facts.
var impure = []string{
	"database/sql", "net/http", "os",
	"github.com/jmoiron/sqlx", "github.com/lib/pq",
	"google.golang.org/grpc",
}

// plan says who may import whom.
type plan struct {
	may      map[string][]string // folder to the folders it may import
	pure     []string
	testonly []string
}

// source is one Go file and what it imports.
type source struct {
	path    string // from the root, with slashes
	test    bool
	imports []string
}

// parsePlan reads imports.txt.
func parsePlan(r io.Reader) (*plan, error) {
	p := &plan{may: map[string][]string{}}
	scan := bufio.NewScanner(r)
	for n := 1; scan.Scan(); n++ {
		line, _, _ := strings.Cut(scan.Text(), "#")
		line = strings.TrimSpace(line)
		fields := strings.Fields(line)
		switch {
		case line == "":
		case fields[0] == "pure" && len(fields) == 2:
			p.pure = append(p.pure, fields[1])
		case fields[0] == "testonly" && len(fields) == 2:
			p.testonly = append(p.testonly, fields[1])
		case strings.Contains(line, ":"):
			folder, targets, _ := strings.Cut(line, ":")
			p.may[strings.TrimSpace(folder)] = strings.Fields(targets)
		default:
			return nil, fmt.Errorf("line %d: neither rule nor comment", n)
		}
	}
	return p, scan.Err()
}

// check returns one line for every import that the plan does not allow.
func (p *plan) check(files []source) []string {
	var out []string
	for _, f := range files {
		for _, imp := range f.imports {
			if why := p.breach(f, imp); why != "" {
				out = append(out, fmt.Sprintf("%s imports %s: %s", f.path, imp, why))
			}
		}
	}
	sort.Strings(out)
	return out
}

// breach says why a file may not import something; empty when it may.
func (p *plan) breach(f source, imp string) string {
	if !f.test && within(f.path, p.pure) && forbidden(imp) {
		return "a room of decisions is pure"
	}
	target, ours := strings.CutPrefix(imp, prefix)
	if !ours {
		return ""
	}
	if !f.test && within(target, p.testonly) && !within(f.path, p.testonly) {
		return "only tests may"
	}
	home, ok := p.folder(f.path)
	if !ok {
		return "its folder is not in the plan"
	}
	if within(target, []string{home}) || within(target, []string{module(f.path)}) && home != "audit-svc/verify" {
		return ""
	}
	if within(target, p.may[home]) {
		return ""
	}
	return home + " may not"
}

// folder returns the longest folder of the plan that holds the path.
func (p *plan) folder(path string) (string, bool) {
	best := ""
	for folder := range p.may {
		if within(path, []string{folder}) && len(folder) > len(best) {
			best = folder
		}
	}
	return best, best != ""
}

// module is the first folder of a path.
func module(path string) string {
	first, _, _ := strings.Cut(path, "/")
	return first
}

func within(path string, folders []string) bool {
	for _, f := range folders {
		if path == f || strings.HasPrefix(path, f+"/") {
			return true
		}
	}
	return false
}

func forbidden(imp string) bool {
	return within(imp, impure)
}
