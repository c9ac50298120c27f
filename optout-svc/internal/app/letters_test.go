package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
)

// letterConfig is a whole configuration, with a folder of the test's own.
func letterConfig(t *testing.T) LetterConfig {
	t.Helper()
	return LetterConfig{
		Post:        post.Config{Kind: post.KindFolder, Folder: filepath.Join(t.TempDir(), "post")},
		OfficerName: "Privacy Officer", OfficerAddress: "County Hall; Dorchester ;DT1 1XJ", OfficerPhone: "01305 000000",
	}
}

// TestLettersAreConfiguredWhole: what is wrong or half present is named, and nothing is opened.
func TestLettersAreConfiguredWhole(t *testing.T) {
	t.Parallel()
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "refused.yaml"), []byte("title: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*LetterConfig)
		want   string
	}{
		"no outbound":        {func(c *LetterConfig) { c.Post = post.Config{} }, "DCR_OPTOUT_POST must be"},
		"half an outbound":   {func(c *LetterConfig) { c.Post.Folder = "" }, "DCR_OPTOUT_POST_FOLDER is not set"},
		"nobody writes":      {func(c *LetterConfig) { c.OfficerName = " " }, "DCR_OPTOUT_OFFICER_NAME"},
		"nowhere to answer":  {func(c *LetterConfig) { c.OfficerAddress = "DT1 1XJ;" }, "DCR_OPTOUT_OFFICER_ADDRESS"},
		"nobody to call":     {func(c *LetterConfig) { c.OfficerPhone = "" }, "DCR_OPTOUT_OFFICER_PHONE"},
		"no such templates":  {func(c *LetterConfig) { c.Templates = filepath.Join(broken, "none") }, "DCR_OPTOUT_LETTER_TEMPLATES is no folder"},
		"a broken template":  {func(c *LetterConfig) { c.Templates = broken }, "template refused.yaml: version, title and blocks"},
		"key and folder":     {func(c *LetterConfig) { c.Post.NotifyKeyFile = "x" }, "DCR_OPTOUT_NOTIFY_KEY_FILE is set"},
		"a folder not to be": {func(c *LetterConfig) { c.Post.Folder = filepath.Join(broken, "refused.yaml", "x") }, "DCR_OPTOUT_POST_FOLDER"},
	} {
		cfg := letterConfig(t)
		c.change(&cfg)
		_, err := postRoom(cfg, nil, nil, time.UTC, slog.New(slog.DiscardHandler), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	from, err := letterConfig(t).sender(time.UTC)
	if err != nil || strings.Join(from.Address, "|") != "County Hall|Dorchester|DT1 1XJ" {
		t.Errorf("%+v (%v)", from, err)
	}
}
