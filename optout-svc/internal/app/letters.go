package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/dorsetcarerecord/dcr/internal/pdf"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/letter"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/postroom"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// LetterConfig is how people are written to, and by whom.
type LetterConfig struct {
	Post           post.Config `embed:""`
	Templates      string      `name:"letter-templates" env:"DCR_OPTOUT_LETTER_TEMPLATES" help:"Folder whose YAML files replace the letters' templates of the same name; those that are built in when empty."`
	OfficerName    string      `name:"officer-name" env:"DCR_OPTOUT_OFFICER_NAME" required:"" help:"Name of the privacy officer's post, as letters show it."`
	OfficerAddress string      `name:"officer-address" env:"DCR_OPTOUT_OFFICER_ADDRESS" required:"" help:"Address of the privacy officer, as letters show it: lines with semicolons between them, the postcode last."`
	OfficerPhone   string      `name:"officer-phone" env:"DCR_OPTOUT_OFFICER_PHONE" required:"" help:"Telephone number of the privacy officer, as letters show it."`
	OfficerEmail   string      `name:"officer-email" env:"DCR_OPTOUT_OFFICER_EMAIL" help:"Email address of the privacy officer, as letters show it."`
}

// postRoom opens the way out of the house and makes the post room before it. Dates in letters are those of
// zone.
func postRoom(cfg LetterConfig, kept *store.Store, contacts postroom.Contacts, zone *time.Location, log *slog.Logger, meter metric.MeterProvider) (*postroom.Room, error) {
	from, err := cfg.sender(zone)
	if err != nil {
		return nil, err
	}
	words, err := cfg.templates()
	if err != nil {
		return nil, err
	}
	cfg.Post.Now = clock
	out, err := post.Open(cfg.Post)
	if err != nil {
		return nil, err
	}
	press, err := pdf.New()
	if err != nil {
		return nil, err
	}
	room := postroom.Config{
		Store: kept, Templates: words, Sender: from, Outbound: out, Contacts: contacts, Press: press, Now: clock, Log: log, Meter: meter,
	}
	if cfg.Post.Kind == post.KindFolder {
		// A folder answers at once and knows what it has: what a dead replica took along waits for seconds.
		room.Limit, room.Lease, room.Settle = 5*time.Second, 8*time.Second, time.Second
	}
	return postroom.New(room)
}

// sender is the privacy officer. A letter that nobody can answer is not sent.
func (c LetterConfig) sender(zone *time.Location) (letter.Sender, error) {
	s := letter.Sender{Name: strings.TrimSpace(c.OfficerName), Phone: strings.TrimSpace(c.OfficerPhone), Email: strings.TrimSpace(c.OfficerEmail), Zone: zone}
	for line := range strings.SplitSeq(c.OfficerAddress, ";") {
		if line = strings.TrimSpace(line); line != "" {
			s.Address = append(s.Address, line)
		}
	}
	var errs []error
	for setting, present := range map[string]bool{
		"DCR_OPTOUT_OFFICER_NAME": s.Name != "", "DCR_OPTOUT_OFFICER_PHONE": s.Phone != "", "DCR_OPTOUT_OFFICER_ADDRESS": len(s.Address) > 1,
	} {
		if !present {
			errs = append(errs, fmt.Errorf("%s says too little for people to answer a letter", setting))
		}
	}
	return s, errors.Join(errs...)
}

func (c LetterConfig) templates() (*letter.Templates, error) {
	var folder fs.FS
	if c.Templates != "" {
		info, err := os.Stat(c.Templates)
		if err != nil || !info.IsDir() {
			return nil, errors.Join(errors.New("DCR_OPTOUT_LETTER_TEMPLATES is no folder"), err)
		}
		folder = os.DirFS(c.Templates)
	}
	loaded, err := letter.Load(folder)
	if err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_LETTER_TEMPLATES: %w", err)
	}
	return loaded, nil
}
