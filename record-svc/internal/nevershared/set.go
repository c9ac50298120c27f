// Package nevershared holds the codes of what no shared record may show, by law
// or by policy (DOMAIN.md section 9): fertility treatment, gender recognition,
// termination of pregnancy, sexually transmitted infection, adoption. A resource
// that carries one anywhere is not kept, and what is kept is looked at again on
// the way out, by the set then in force. Free text can still tell: codes are all
// that is looked at.
package nevershared

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the set that the project ships
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed codes.json
var shipped []byte

// Code is one code of a set.
type Code struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display"`
	// Source says where the code comes from.
	Source string `json:"source"`
}

// Category is one reason not to share, with the law or policy that gives it.
type Category struct {
	Name  string `json:"name"`
	Basis string `json:"basis"`
	Codes []Code `json:"codes"`
}

// file is the form of a set on disk.
type file struct {
	Name       string     `json:"name"`
	Edition    string     `json:"edition"`
	Notice     string     `json:"notice"`
	Categories []Category `json:"categories"`
}

// Set is a set of codes in force. It does not change, and is safe for use by
// several goroutines.
type Set struct {
	version    string
	categories []Category
	// exact finds the category by system and code; prefixes by the first three
	// signs of a classification's code.
	exact    map[key]int
	prefixes map[key][]prefix
}

type key struct {
	system system
	code   string
}

type prefix struct {
	code     string
	category int
}

// Shipped is the set that the project ships. It is not a national one.
func Shipped() (*Set, error) { return Parse(shipped) }

// Parse reads a set that replaces the shipped one. A set that is incomplete is
// refused: half of one would show the other half.
func Parse(data []byte) (*Set, error) {
	var f file
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("read never-shared set: %w", err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("read never-shared set: text after its end")
	}
	if f.Name == "" || f.Edition == "" || len(f.Categories) == 0 {
		return nil, fmt.Errorf("never-shared set: name, edition and categories are required")
	}
	s := &Set{categories: f.Categories, exact: make(map[key]int), prefixes: make(map[key][]prefix)}
	for i, category := range f.Categories {
		if err := s.add(i, category); err != nil {
			return nil, err
		}
	}
	s.version = f.Name + "/" + f.Edition + "/" + s.digest()
	return s, nil
}

func (s *Set) add(i int, category Category) error {
	if category.Name == "" || len(category.Codes) == 0 {
		return fmt.Errorf("never-shared set: category %d has no name or no codes", i+1)
	}
	for _, code := range category.Codes {
		where := systemOf(code.System)
		if where == "" || code.Code == "" || code.Source == "" {
			return fmt.Errorf("never-shared set: a code of %s lacks system, code or source", category.Name)
		}
		if where.classifies() {
			text := classification(code.Code)
			if len(text) < stem {
				return fmt.Errorf("never-shared set: %s of %s is no category of a classification", code.Code, category.Name)
			}
			k := key{where, text[:stem]}
			s.prefixes[k] = append(s.prefixes[k], prefix{text, i})
			continue
		}
		s.exact[key{where, strings.ToUpper(code.Code)}] = i
	}
	return nil
}

// Version names the set and its content: the same codes give the same version,
// in whatever order they stand, and any other codes another.
func (s *Set) Version() string { return s.version }

// Categories are those of the set, for documents.
func (s *Set) Categories() []Category { return slices.Clone(s.categories) }

func (s *Set) digest() string {
	var all []string
	for _, category := range s.categories {
		for _, code := range category.Codes {
			all = append(all, strings.Join([]string{category.Name, string(systemOf(code.System)), strings.ToUpper(code.Code)}, "\x00"))
		}
	}
	slices.Sort(all)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(all), "\n")))
	return hex.EncodeToString(sum[:6])
}
