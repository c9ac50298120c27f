package post

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/post/notifytest"
)

func keyFileOf(t *testing.T, key string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func notifyConfig(t *testing.T, url string) Config {
	t.Helper()
	return Config{
		Kind: KindNotify, NotifyURL: url, NotifyKeyFile: keyFileOf(t, notifytest.Key+"\n"),
		EmailTemplate: notifytest.EmailTemplate, TextTemplate: notifytest.TextTemplate, Now: fixed,
	}
}

func openTestNotify(t *testing.T) (Outbound, *notifytest.Server) {
	t.Helper()
	server := notifytest.New(t, fixed)
	out, err := Open(notifyConfig(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	return out, server
}

func aLetter() Item { return Item{ID: uuid.New(), By: Letter, PDF: []byte("%PDF-1.3 words")} }

func TestNotifyTakesEachWay(t *testing.T) {
	t.Parallel()
	out, server := openTestNotify(t)
	items := []Item{
		aLetter(),
		{ID: uuid.New(), By: Email, Email: "x@example.org", Subject: "Your code", Body: "The code is 1."},
		{ID: uuid.New(), By: Text, Mobile: "+447700900000", Body: "The code is 1."},
	}
	var want []notifytest.Notification
	for _, item := range items {
		got, err := out.Send(t.Context(), item)
		if err != nil || got.Progress != UnderWay {
			t.Fatalf("%+v, %v", got, err)
		}
		found, ok, err := out.Find(t.Context(), item.ID, item.By)
		if err != nil || !ok || found != got {
			t.Errorf("%+v, %v, %v", found, ok, err)
		}
		want = append(want, notifytest.Notification{ID: got.Reference, Reference: item.ID.String(), Status: "created"})
	}
	want[0].Type, want[0].Content = "letter", items[0].PDF
	want[1].Type, want[1].To, want[1].Personalisation = "email", "x@example.org", map[string]string{"subject": "Your code", "body": "The code is 1."}
	want[2].Type, want[2].To, want[2].Personalisation = "sms", "+447700900000", map[string]string{"body": "The code is 1."}
	if diff := cmp.Diff(want, server.Taken()); diff != "" {
		t.Error(diff)
	}
	if _, found, err := out.Find(t.Context(), uuid.New(), Letter); found || err != nil {
		t.Errorf("an id that was never sent is found %v (%v)", found, err)
	}
}

func TestNotifyRefusals(t *testing.T) {
	t.Parallel()
	out, server := openTestNotify(t)
	for name, c := range map[string]struct {
		fault notifytest.Fault
		want  Error
	}{
		"a limit per minute": {notifytest.Fault{Status: 429, Type: "RateLimitError"}, Error{Reason: ReasonBusy, After: time.Minute}},
		"told how long":      {notifytest.Fault{Status: 429, Type: "RateLimitError", RetryAfter: "120"}, Error{Reason: ReasonBusy, After: 2 * time.Minute}},
		"a limit per day":    {notifytest.Fault{Status: 429, Type: "TooManyRequestsError"}, Error{Reason: ReasonBusy, After: time.Hour}},
		"broken":             {notifytest.Fault{Status: 500, Type: "Exception"}, Error{Reason: ReasonBroken, Unsure: true}},
		"a broken door":      {notifytest.Fault{Status: 503, RetryAfter: "x"}, Error{Reason: ReasonBroken, Unsure: true}},
		"in trial":           {notifytest.Fault{Status: 400, Type: "BadRequestError"}, Error{Reason: ReasonNotAllowed}},
		"a bad address":      {notifytest.Fault{Status: 400, Type: "ValidationError"}, Error{Reason: ReasonRejected, Final: true}},
		"too large":          {notifytest.Fault{Status: 413}, Error{Reason: ReasonRejected, Final: true}},
		"a team key":         {notifytest.Fault{Status: 403, Type: "BadRequestError"}, Error{Reason: ReasonKey}},
		"another server":     {notifytest.Fault{Status: 404}, Error{Reason: ReasonNotAllowed}},
		"a redirect":         {notifytest.Fault{Status: 307}, Error{Reason: ReasonUnanswered, Unsure: true}},
	} {
		server.Fail(c.fault)
		_, err := out.Send(t.Context(), aLetter())
		var got *Error
		if !errors.As(err, &got) {
			t.Fatalf("%s: %v", name, err)
		}
		if plain := (Error{Reason: got.Reason, Final: got.Final, Unsure: got.Unsure, After: got.After}); plain != c.want {
			t.Errorf("%s: %+v, want %+v", name, plain, c.want)
		}
		if strings.Contains(err.Error(), "High Street") {
			t.Errorf("%s: the error quotes the answer", name)
		}
	}
	if taken := server.Taken(); len(taken) != 0 {
		t.Errorf("taken all the same: %v", taken)
	}
}

// TestLostAnswer: the item is there, the sender does not know, and Find tells.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]notifytest.Fault{"lost": {Lose: true}, "garbled": {Garble: true}} {
		out, server := openTestNotify(t)
		server.Fail(fault)
		item := aLetter()
		_, err := out.Send(t.Context(), item)
		var failed *Error
		if !errors.As(err, &failed) || failed.Reason != ReasonUnanswered || !failed.Unsure || failed.Final {
			t.Fatalf("%s: %+v", name, err)
		}
		if got, found, err := out.Find(t.Context(), item.ID, Letter); !found || err != nil || got.Reference != server.Taken()[0].ID {
			t.Errorf("%s: %+v, %v, %v", name, got, found, err)
		}
	}
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	out, server := openTestNotify(t)
	hold := make(chan struct{})
	defer close(hold)
	server.Fail(notifytest.Fault{Hold: hold})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var failed *Error
	if _, err := out.Send(ctx, aLetter()); !errors.As(err, &failed) || failed.Reason != ReasonUnanswered || !failed.Unsure {
		t.Errorf("%+v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out, err := Open(notifyConfig(t, "http://"+lis.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	var failed *Error
	if _, err := out.Send(t.Context(), aLetter()); !errors.As(err, &failed) || failed.Reason != ReasonUnreachable || failed.Unsure {
		t.Errorf("%+v", err)
	}
}

func TestNotifyBelievesNoOtherKey(t *testing.T) {
	t.Parallel()
	server := notifytest.New(t, fixed)
	late := func() time.Time { return fixed().Add(-31 * time.Second) }
	for name, change := range map[string]func(*Config){
		"another secret":  func(c *Config) { c.NotifyKeyFile = keyFileOf(t, "k-"+notifytest.Service+"-"+uuid.NewString()) },
		"another service": func(c *Config) { c.NotifyKeyFile = keyFileOf(t, "k-"+uuid.NewString()+"-"+notifytest.Secret) },
		"a slow clock":    func(c *Config) { c.Now = late },
	} {
		cfg := notifyConfig(t, server.URL)
		change(&cfg)
		out, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var failed *Error
		if _, err := out.Send(t.Context(), aLetter()); !errors.As(err, &failed) || failed.Reason != ReasonKey || failed.Final {
			t.Errorf("%s: %+v", name, err)
		}
		if _, _, err := out.Find(t.Context(), uuid.New(), Letter); !errors.As(err, &failed) || failed.Reason != ReasonKey {
			t.Errorf("%s: %+v", name, err)
		}
	}
	if len(server.Taken()) != 0 {
		t.Error("the server believed one")
	}
}

func TestKeyChangesWithoutARestart(t *testing.T) {
	t.Parallel()
	server := notifytest.New(t, fixed)
	cfg := notifyConfig(t, server.URL)
	if err := os.WriteFile(cfg.NotifyKeyFile, []byte("old-"+notifytest.Service+"-"+uuid.NewString()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.NotifyKeyFile, []byte(notifytest.Key), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Send(t.Context(), aLetter()); err != nil {
		t.Error(err)
	}
}

// TestNotifyShowsItsCertificate: a server is believed whose authority the file names, and no other.
func TestNotifyShowsItsCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"id": "` + uuid.NewString() + `"}`))
	}))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	cfg := notifyConfig(t, server.URL)
	stranger, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var failed *Error
	if _, err := stranger.Send(t.Context(), aLetter()); !errors.As(err, &failed) {
		t.Errorf("an unknown authority is believed: %v", err)
	}
	cfg.NotifyCAFile = filepath.Join(t.TempDir(), "ca.crt")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(cfg.NotifyCAFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := known.Send(t.Context(), aLetter()); err != nil {
		t.Error(err)
	}
}

func TestProgressOfStatus(t *testing.T) {
	t.Parallel()
	out, server := openTestNotify(t)
	item := aLetter()
	if _, err := out.Send(t.Context(), item); err != nil {
		t.Fatal(err)
	}
	for status, want := range map[string]Progress{
		"created": UnderWay, "sending": UnderWay, "pending-virus-check": UnderWay, "accepted": UnderWay, "brand-new": UnderWay,
		"received": Done, "delivered": Done,
		"validation-failed": Returned, "virus-scan-failed": Returned, "permanent-failure": Returned, "technical-failure": Returned,
	} {
		server.SetStatus(status)
		if got, _, err := out.Find(t.Context(), item.ID, Letter); err != nil || got.Progress != want {
			t.Errorf("%s is %s (%v), want %s", status, got.Progress, err, want)
		}
	}
}

func TestTheKeyIsNeverTold(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "x", notifytest.Service + "-" + notifytest.Secret, "k" + notifytest.Service + "-" + notifytest.Secret + "x", "-" + notifytest.Service + "-" + notifytest.Secret} {
		cfg := notifyConfig(t, "https://notify.example.org")
		cfg.NotifyKeyFile = keyFileOf(t, key)
		_, err := Open(cfg)
		if err == nil || key != "" && strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "DCR_OPTOUT_NOTIFY_KEY_FILE") {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func TestLargeLettersGoWhole(t *testing.T) {
	t.Parallel()
	out, server := openTestNotify(t)
	large := aLetter()
	large.PDF = append([]byte("%PDF-"), make([]byte, 3<<20)...)
	if _, err := out.Send(t.Context(), large); err != nil || len(server.Taken()[0].Content) != len(large.PDF) {
		t.Errorf("a large letter: %v", err)
	}
}

func TestConfigurationMustBeWhole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no kind":           {func(c *Config) { c.Kind = "" }, "DCR_OPTOUT_POST must be"},
		"another kind":      {func(c *Config) { c.Kind = "pigeon" }, "DCR_OPTOUT_POST must be"},
		"no key":            {func(c *Config) { c.NotifyKeyFile = "" }, "DCR_OPTOUT_NOTIFY_KEY_FILE is not set"},
		"a key not there":   {func(c *Config) { c.NotifyKeyFile = "/nowhere/key" }, "DCR_OPTOUT_NOTIFY_KEY_FILE: read key"},
		"authorities gone":  {func(c *Config) { c.NotifyCAFile = "/nowhere/ca" }, "DCR_OPTOUT_NOTIFY_CA_FILE"},
		"no authorities":    {func(c *Config) { c.NotifyCAFile = c.NotifyKeyFile }, "DCR_OPTOUT_NOTIFY_CA_FILE holds no"},
		"no email template": {func(c *Config) { c.EmailTemplate = "" }, "DCR_OPTOUT_NOTIFY_EMAIL_TEMPLATE is not set"},
		"no text template":  {func(c *Config) { c.TextTemplate = "x" }, "DCR_OPTOUT_NOTIFY_TEXT_TEMPLATE must be"},
		"a folder as well":  {func(c *Config) { c.Folder = "/tmp/x" }, "DCR_OPTOUT_POST_FOLDER is set"},
		"in the clear":      {func(c *Config) { c.NotifyURL = "http://notify.example.org" }, "must begin with https"},
		"no URL":            {func(c *Config) { c.NotifyURL = "notify" }, "is no base URL"},
		"a password":        {func(c *Config) { c.NotifyURL = "https://a:b@notify.example.org" }, "is no base URL"},
		"no folder":         {func(c *Config) { *c = Config{Kind: KindFolder, Now: fixed} }, "DCR_OPTOUT_POST_FOLDER is not set"},
		"folder and key":    {func(c *Config) { *c = Config{Kind: KindFolder, Folder: t.TempDir(), NotifyKeyFile: "x", Now: fixed} }, "DCR_OPTOUT_NOTIFY_KEY_FILE is set"},
		"no clock":          {func(c *Config) { c.Now = nil }, "a clock is needed"},
	} {
		cfg := notifyConfig(t, "https://notify.example.org")
		c.change(&cfg)
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
