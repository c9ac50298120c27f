package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// enumerations reads the words of closed string types, which reflection cannot see: the constants of every type
// whose comment says +enum, by package path and type.
func enumerations() (map[string][]string, error) {
	text, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles",
		"k8s.io/api/apps/v1", "k8s.io/api/batch/v1", "k8s.io/api/core/v1", "k8s.io/api/networking/v1",
		"k8s.io/api/policy/v1", "k8s.io/apimachinery/pkg/apis/meta/v1").Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	words := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(text))); dec.More(); {
		var p struct {
			ImportPath, Dir string
			GoFiles         []string
		}
		if err := dec.Decode(&p); err != nil {
			return nil, err
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), p.Dir+"/"+name, nil, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			collect(file, p.ImportPath, words)
		}
	}
	for name, list := range words {
		if list[0] != closed {
			delete(words, name)
			continue
		}
		words[name] = slices.Sorted(slices.Values(list[1:]))
	}
	return words, nil
}

// closed marks, as the first word, a type whose comment says +enum. Types stand before their constants.
const closed = "+enum"

func collect(file *ast.File, pkg string, words map[string][]string) {
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if strings.Contains(group.Doc.Text()+raw(group.Doc), closed) {
					words[pkg+"."+s.Name.Name] = append([]string{closed}, words[pkg+"."+s.Name.Name]...)
				}
			case *ast.ValueSpec:
				constants(s, pkg, words)
			}
		}
	}
}

// raw are a comment's lines as written: Text leaves some markers out.
func raw(doc *ast.CommentGroup) string {
	var b strings.Builder
	if doc != nil {
		for _, c := range doc.List {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

func constants(s *ast.ValueSpec, pkg string, words map[string][]string) {
	of, ok := s.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, v := range s.Values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if word, err := strconv.Unquote(lit.Value); err == nil {
				words[pkg+"."+of.Name] = append(words[pkg+"."+of.Name], word)
			}
		}
	}
}
