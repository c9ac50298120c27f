package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// Life is the command that prints the life of a request, and keeps the documents that tell of it true.
type Life struct {
	Update []string `name:"update" placeholder:"FILE" help:"Renew what stands between the markers of these documents, instead of printing."`
	Verify []string `name:"verify" placeholder:"FILE" help:"Fail when what stands between the markers of these documents is not what would be written."`
}

// Run prints, renews or verifies.
func (l *Life) Run() error { return l.run(os.Stdout) }

func (l *Life) run(out io.Writer) error {
	parts, err := madeParts()
	if err != nil {
		return err
	}
	if len(l.Update)+len(l.Verify) == 0 {
		_, err := io.WriteString(out, parts["life"])
		return err
	}
	for _, file := range l.Update {
		if err := renew(file, parts); err != nil {
			return err
		}
	}
	for _, file := range l.Verify {
		if err := verify(file, parts); err != nil {
			return err
		}
	}
	return nil
}

// madeParts are the parts of documents that are made, by the name in their markers.
func madeParts() (map[string]string, error) {
	p, err := policy.Default()
	if err != nil {
		return nil, err
	}
	return map[string]string{"life": request.Markdown(), "policy": p.Markdown()}, nil
}

func renew(file string, parts map[string]string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("renew document: %w", err)
	}
	text, err := splice(string(old), parts)
	if err != nil {
		return fmt.Errorf("renew %s: %w", file, err)
	}
	const mode = 0o644 // of a document that everybody reads
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		return fmt.Errorf("renew document: %w", err)
	}
	return nil
}

func verify(file string, parts map[string]string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("verify document: %w", err)
	}
	text, err := splice(string(old), parts)
	if err != nil {
		return fmt.Errorf("verify %s: %w", file, err)
	}
	if !bytes.Equal(old, []byte(text)) {
		return fmt.Errorf("%s is stale: run make generate and commit", file)
	}
	return nil
}

// splice puts each part between its markers, "<!-- made: NAME -->" and "<!-- end: NAME -->". A document has
// at least one, and no marker of a part that there is not.
func splice(text string, parts map[string]string) (string, error) {
	const opening, closing = "<!-- made: ", "<!-- end: "
	var out strings.Builder
	found := false
	for {
		before, rest, more := strings.Cut(text, opening)
		out.WriteString(before)
		if !more {
			break
		}
		name, rest, _ := strings.Cut(rest, " -->\n")
		part, known := parts[name]
		end := closing + name + " -->"
		_, after, closed := strings.Cut(rest, end)
		if !known || !closed {
			return "", fmt.Errorf("marker %q: unknown, or without its end", name)
		}
		out.WriteString(opening + name + " -->\n" + part + end)
		text, found = after, true
	}
	if !found {
		return "", errors.New("no marker")
	}
	return out.String(), nil
}
