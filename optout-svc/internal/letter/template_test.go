package letter

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

func folder(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestAFolderReplacesTemplates(t *testing.T) {
	t.Parallel()
	templates, err := Load(folder(map[string]string{
		"refused.yaml": "version: ours-1\ntitle: No\nblocks:\n  - heading: No\n  - text: Hello{to}. {reason}\n", "readme.txt": "x",
	}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := templates.Compose(person(Refused, Standard, Out), officer(t))
	if err != nil {
		t.Fatal(err)
	}
	if c.Template != "refused ours-1" || c.Text("") != "NO\n\nHello Łucja Example-Nguyễn. We did not get the papers that we need.\n" {
		t.Errorf("%s: %q", c.Template, c.Text(""))
	}
	easy, err := templates.Compose(person(Refused, EasyRead, Out), officer(t))
	if err != nil || !strings.HasPrefix(easy.Template, "refused.easy 20") {
		t.Errorf("%s (%v)", easy.Template, err)
	}
}

// TestNoTemplateNamesAnybodyBesideACode: a stranger fills the form in, and somebody else gets the code.
func TestNoTemplateNamesAnybodyBesideACode(t *testing.T) {
	t.Parallel()
	templates, err := Load(folder(map[string]string{
		"confirmation_code.yaml": "version: x\ntitle: Code\nmessage: \"{person} {code}\"\nblocks:\n  - text: \"Hello{to} {person} {requester} {asked_on} {code}\"\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := templates.Compose(forAnother(ConfirmationCode, Standard, Out, true), officer(t))
	if err != nil || c.Text("123") != "Hello    123\n" || c.Message("123") != " 123" {
		t.Errorf("%q, %q (%v)", c.Text("123"), c.Message("123"), err)
	}
}

func TestTemplatesThatAreRefused(t *testing.T) {
	t.Parallel()
	head := "version: x\ntitle: x\nblocks:\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"unknown letter":        {"poem.yaml", head + "  - text: x\n", "there is no such letter"},
		"unknown field":         {"refused.yaml", head + "  - txet: x\n", "field txet not found"},
		"unknown placeholder":   {"refused.yaml", head + "  - text: \"{name}\"\n", `there is no placeholder "name"`},
		"unknown condition":     {"refused.yaml", head + "  - when: [maybe]\n    text: x\n", `there is no condition "maybe"`},
		"unknown row":           {"refused.yaml", head + "  - receipt: [postcode]\n", `there is no row "postcode"`},
		"two things":            {"refused.yaml", head + "  - text: x\n    heading: y\n", "block 1: exactly one"},
		"nothing":               {"refused.yaml", head + "  - when: [out]\n", "block 1: exactly one"},
		"no version":            {"refused.yaml", "title: x\nblocks:\n  - text: x\n", "version, title and blocks"},
		"a name in the title":   {"refused.yaml", "version: x\ntitle: For {person}\nblocks:\n  - text: x\n", "a title cannot have placeholders"},
		"turned round":          {"refused.yaml", head + "  - text: \"a\\u202Eb\"\n", "cannot be printed"},
		"no YAML":               {"refused.yaml", "\t", "template refused.yaml"},
		"words left out":        {"words.yaml", "version: x\n", "missing are receipt.reference"},
		"unknown words' holder": {"words.yaml", "version: x\nreasons: {other: \"{nobody}\"}\n", `there is no placeholder "nobody"`},
	} {
		if _, err := Load(folder(map[string]string{c.file: c.text})); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestThePolicyHasWords: what the shipped policy can ask for, and refuse for, is told in words of its own.
func TestThePolicyHasWords(t *testing.T) {
	t.Parallel()
	shipped, err := policy.Default()
	if err != nil {
		t.Fatal(err)
	}
	have := load(t).Evidence()
	for _, name := range shipped.Items() {
		if !slices.Contains(have, name) {
			t.Errorf("evidence %q has no words", name)
		}
	}
	have = load(t).Reasons()
	for _, by := range []request.Actor{request.System, request.Officer, request.Lead} {
		for _, name := range shipped.Refusals(by) {
			if !slices.Contains(have, name) {
				t.Errorf("the reason %q has no words", name)
			}
		}
	}
}
