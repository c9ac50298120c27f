package post

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// The kinds of outbound.
const (
	KindFolder = "folder"
	KindNotify = "notify"
)

// Config says where letters go. It has to be whole: a setting of the other kind is refused as well, since
// somebody meant something by it.
type Config struct {
	Kind          string `name:"post" env:"DCR_OPTOUT_POST" required:"" help:"Where letters go: folder (files that somebody prints) or notify (GOV.UK Notify)."`
	Folder        string `name:"post-folder" env:"DCR_OPTOUT_POST_FOLDER" help:"Folder for letters; only with folder. All replicas must share it."`
	NotifyURL     string `name:"notify-url" env:"DCR_OPTOUT_NOTIFY_URL" default:"https://api.notifications.service.gov.uk" help:"Base URL of GOV.UK Notify's API."`
	NotifyKeyFile string `name:"notify-key-file" env:"DCR_OPTOUT_NOTIFY_KEY_FILE" help:"File with the API key, read anew for each call; only with notify."`
	NotifyCAFile  string `name:"notify-ca-file" env:"DCR_OPTOUT_NOTIFY_CA_FILE" help:"PEM authorities that Notify's certificate is checked against; the system's when empty."`
	EmailTemplate string `name:"notify-email-template" env:"DCR_OPTOUT_NOTIFY_EMAIL_TEMPLATE" help:"Id of Notify's template for emails, with the fields subject and body; only with notify."`
	TextTemplate  string `name:"notify-text-template" env:"DCR_OPTOUT_NOTIFY_TEXT_TEMPLATE" help:"Id of Notify's template for text messages, with the field body; only with notify."`

	// Now is the clock; required with notify.
	Now func() time.Time `kong:"-"`
}

// Open makes the outbound that the configuration names, and checks what can be checked from here. Errors name
// the setting that is wrong, and never what it holds.
func Open(cfg Config) (Outbound, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Kind == KindFolder {
		return openFolder(cfg.Folder, cfg.Now)
	}
	return openNotify(cfg)
}

// setting is what one was told.
type setting struct{ name, value string }

func (c Config) check() error {
	notify := []setting{
		{"DCR_OPTOUT_NOTIFY_KEY_FILE", c.NotifyKeyFile},
		{"DCR_OPTOUT_NOTIFY_EMAIL_TEMPLATE", c.EmailTemplate},
		{"DCR_OPTOUT_NOTIFY_TEXT_TEMPLATE", c.TextTemplate},
	}
	var errs []error
	switch c.Kind {
	case KindFolder:
		if c.Folder == "" {
			errs = append(errs, errors.New("DCR_OPTOUT_POST_FOLDER is not set: DCR_OPTOUT_POST=folder needs it"))
		}
		for _, s := range append(notify, setting{"DCR_OPTOUT_NOTIFY_CA_FILE", c.NotifyCAFile}) {
			if s.value != "" {
				errs = append(errs, fmt.Errorf("%s is set, which goes with DCR_OPTOUT_POST=notify alone", s.name))
			}
		}
	case KindNotify:
		if c.Folder != "" {
			errs = append(errs, errors.New("DCR_OPTOUT_POST_FOLDER is set, which goes with DCR_OPTOUT_POST=folder alone"))
		}
		for _, s := range notify {
			if s.value == "" {
				errs = append(errs, fmt.Errorf("%s is not set: DCR_OPTOUT_POST=notify needs it", s.name))
			}
		}
		errs = append(errs, checkURL(c.NotifyURL), checkID("DCR_OPTOUT_NOTIFY_EMAIL_TEMPLATE", c.EmailTemplate),
			checkID("DCR_OPTOUT_NOTIFY_TEXT_TEMPLATE", c.TextTemplate))
	default:
		errs = append(errs, errors.New("DCR_OPTOUT_POST must be folder or notify"))
	}
	if c.Now == nil {
		errs = append(errs, errors.New("post: a clock is needed"))
	}
	return errors.Join(errs...)
}

// checkURL lets the key travel over TLS, or not leave this machine.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("DCR_OPTOUT_NOTIFY_URL is no base URL")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("DCR_OPTOUT_NOTIFY_URL must begin with https://")
}

func checkID(setting, text string) error {
	if text == "" {
		return nil // said already
	}
	if _, err := uuid.Parse(text); err != nil {
		return fmt.Errorf("%s must be a template's id, a UUID", setting)
	}
	return nil
}
