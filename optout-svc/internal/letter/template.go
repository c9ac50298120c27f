package letter

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed templates/*.yaml
var embedded embed.FS

// template is the words of one kind, in one format.
type template struct {
	// Version changes with the words. It is kept with each letter.
	Version string  `yaml:"version"`
	Title   string  `yaml:"title"`
	Blocks  []block `yaml:"blocks"`
	// Message is the text message, for kinds that have one.
	Message string `yaml:"message"`

	name string
}

// block is a part of a template: exactly one of its fields beside When is set.
type block struct {
	// When lists conditions, all of which must hold (see conditions).
	When    []string `yaml:"when"`
	Heading string   `yaml:"heading"`
	Text    string   `yaml:"text"`
	List    []string `yaml:"list"`
	// Wanted is the list of evidence that is wanted.
	Wanted bool `yaml:"wanted"`
	// Receipt is rows of the receipt, as words.yaml names them.
	Receipt []string `yaml:"receipt"`
}

// words are the names of things in plain English, for both formats.
type words struct {
	Version  string            `yaml:"version"`
	Asked    map[Choice]string `yaml:"asked"`
	Channels map[Channel]string
	Systems  map[string]string
	Evidence map[string]string
	Reasons  map[string]string
	Receipt  map[string]string
}

// Templates are the words of all letters. They do not change after Load.
type Templates struct {
	byName map[string]template
	words  words
}

const wordsName = "words"

// placeholders are what a template may have filled in. No value has more than one line.
func placeholders() []string {
	return []string{"to", "person", "requester", "reference", "asked_on", "due", "effective", "reason", "code", "code_until", "officer", "phone", "email"}
}

// conditions are what a block's When may name.
func conditions() []string {
	return []string{"out", "in", "verified", "unverified", "self", "other", "to_requester", "to_person", "emergency_never"}
}

// receiptRows are what a receipt may hold.
func receiptRows() []string {
	return []string{"reference", "asked", "asked_by", "asked_for", "asked_on", "channel", "due", "effective", "systems", "officer"}
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// Load reads the templates that come with the program, and then those of a folder, whose files replace
// them; nil for none. Whatever is wrong with one, or an unknown name, is an error: a letter must not be found
// wanting on the day when it is written.
func Load(folder fs.FS) (*Templates, error) {
	own, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, fmt.Errorf("load templates: %w", err)
	}
	t := &Templates{byName: map[string]template{}}
	if err := t.read(own); err != nil {
		return nil, err
	}
	if folder != nil {
		if err := t.read(folder); err != nil {
			return nil, err
		}
	}
	return t, t.complete()
}

// names of all files: one per kind in standard words, one in Easy Read.
func names() []string {
	var all []string
	for _, kind := range Kinds() {
		all = append(all, string(kind), string(kind)+".easy")
	}
	return append(all, wordsName)
}

func (t *Templates) read(folder fs.FS) error {
	files, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return fmt.Errorf("load templates: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		if !slices.Contains(names(), name) {
			return fmt.Errorf("template %s: there is no such letter; there are %s", file, strings.Join(names(), ", "))
		}
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return fmt.Errorf("template %s: %w", file, err)
		}
		if err := t.parse(name, text); err != nil {
			return fmt.Errorf("template %s: %w", file, err)
		}
	}
	return nil
}

func (t *Templates) parse(name string, text []byte) error {
	if name == wordsName {
		return t.parseWords(text)
	}
	read := template{name: name}
	if err := strict(text, &read); err != nil {
		return err
	}
	if err := read.check(); err != nil {
		return err
	}
	t.byName[name] = read
	return nil
}

// strict refuses fields that it does not know.
func strict(text []byte, into any) error {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

func (t template) check() error {
	if t.Version == "" || t.Title == "" || len(t.Blocks) == 0 {
		return errors.New("version, title and blocks are needed")
	}
	// A title becomes metadata of the PDF and the subject of an email, where nobody's name belongs.
	if placeholder.MatchString(t.Title) {
		return errors.New("a title cannot have placeholders")
	}
	if err := checkText(t.Title + t.Message); err != nil {
		return err
	}
	for i, b := range t.Blocks {
		if err := b.check(); err != nil {
			return fmt.Errorf("block %d: %w", i+1, err)
		}
	}
	return nil
}

func (b block) check() error {
	set := 0
	for _, is := range []bool{b.Heading != "", b.Text != "", len(b.List) > 0, b.Wanted, len(b.Receipt) > 0} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errors.New("exactly one of heading, text, list, wanted and receipt is needed")
	}
	if err := known("condition", b.When, conditions()); err != nil {
		return err
	}
	if err := known("row", b.Receipt, receiptRows()); err != nil {
		return err
	}
	return checkText(b.Heading + b.Text + strings.Join(b.List, ""))
}

func known(what string, found, all []string) error {
	for _, one := range found {
		if !slices.Contains(all, one) {
			return fmt.Errorf("there is no %s %q; there are %s", what, one, strings.Join(all, ", "))
		}
	}
	return nil
}

// checkText refuses placeholders that nothing fills, and characters that would not be printed.
func checkText(s string) error {
	for _, found := range placeholder.FindAllString(s, -1) {
		if err := known("placeholder", []string{strings.Trim(found, "{}")}, placeholders()); err != nil {
			return err
		}
	}
	if cleaned := strings.Map(func(r rune) rune {
		if r == '\n' || printable(r) {
			return r
		}
		return -1
	}, s); cleaned != s {
		return errors.New("it holds characters that cannot be printed")
	}
	return nil
}
