package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// goFiles lists the Go files of the suite with their imports. Tools and generated code are not part
// of the plan.
func goFiles(root string) ([]source, error) {
	var out []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if notOurs(rel, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		src, err := readImports(path, rel)
		if err != nil {
			return err
		}
		out = append(out, src)
		return nil
	})
	return out, err
}

func readImports(path, rel string) (source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		return source{}, err
	}
	src := source{path: rel, test: strings.HasSuffix(rel, "_test.go")}
	for _, i := range file.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		src.imports = append(src.imports, name)
	}
	return src, nil
}

// notOurs is true for folders whose imports are nobody's plan: tools, generated code, test data, hidden ones.
func notOurs(rel, name string) bool {
	if rel == "." {
		return false
	}
	return rel == "tools" || rel == "proto/gen" || name == "node_modules" || name == "testdata" ||
		strings.HasPrefix(name, ".")
}
