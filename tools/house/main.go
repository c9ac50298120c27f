// Command house checks that the suite is built as its plan says: which module imports which, which
// rooms are pure, and what only tests may use. The plan is data: imports.txt beside this file.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", ".", "folder of the suite")
	rules := flag.String("rules", "tools/house/imports.txt", "the plan")
	flag.Parse()

	if err := run(*root, *rules); err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
}

// run prints every import that the plan does not allow and fails when there is one.
func run(root, rules string) error {
	f, err := os.Open(rules)
	if err != nil {
		return fmt.Errorf("open the plan: %w", err)
	}
	defer f.Close()

	plan, err := parsePlan(f)
	if err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	files, err := goFiles(root)
	if err != nil {
		return fmt.Errorf("list Go files: %w", err)
	}
	if len(files) == 0 {
		return fmt.Errorf("no Go files below %s: wrong folder?", root)
	}

	breaches := plan.check(files)
	for _, b := range breaches {
		fmt.Println(b)
	}
	if len(breaches) > 0 {
		return fmt.Errorf("%d imports that tools/house/imports.txt does not allow", len(breaches))
	}
	fmt.Printf("house: %d files keep to the plan\n", len(files))
	return nil
}
