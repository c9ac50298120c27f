package pagetoken

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

var (
	oldKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("o", keyBytes)))
	newKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("n", keyBytes)))
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func book(t testing.TB, c *clock, keys ...string) *Book {
	t.Helper()
	b, err := parse([]byte(strings.Join(keys, "\n")), c.now)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func binding() Binding {
	return Binding{
		Method: "/dcr.gateway.v1.RecordService/ListEntries", Issuer: "https://issuer.example", Subject: "u1",
		RoleCode: "R1070", ODSCode: "RYF", NHSNumber: "9990002673",
		Filter: Filter(&gatewayv1.ListEntriesRequest{Section: []string{"history"}}),
	}
}

func TestTokenOpensForItsOwnCallOnly(t *testing.T) {
	b := book(t, &clock{time.Unix(1_800_000_000, 0)}, newKey)
	token := b.Seal(binding(), "cursor-7")
	if got, err := b.Open(binding(), token); err != nil || got != "cursor-7" {
		t.Fatalf("own token: %q, %v", got, err)
	}
	cases := map[string]func(*Binding){
		"method":       func(x *Binding) { x.Method = "/dcr.gateway.v1.AuditService/ListEvents" },
		"issuer":       func(x *Binding) { x.Issuer = "https://other.example" },
		"subject":      func(x *Binding) { x.Subject = "u2" },
		"client":       func(x *Binding) { x.ClientID = "u1" },
		"role":         func(x *Binding) { x.RoleCode = "R0260" },
		"organisation": func(x *Binding) { x.ODSCode = "R0D" },
		"patient":      func(x *Binding) { x.NHSNumber = "9990019576" },
		"filter":       func(x *Binding) { x.Filter = Filter(&gatewayv1.ListEntriesRequest{Section: []string{"results"}}) },
		"moved bytes":  func(x *Binding) { x.Issuer += "u"; x.Subject = "1" },
	}
	for name, change := range cases {
		other := binding()
		change(&other)
		if got, err := b.Open(other, token); fault.ReasonOf(err) != ReasonInvalid || got != "" {
			t.Errorf("another %s: %q, %v", name, got, err)
		}
	}
}

func TestTokenExpires(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	b := book(t, c, newKey)
	token := b.Seal(binding(), "cursor")
	c.at = c.at.Add(life - time.Second)
	if _, err := b.Open(binding(), token); err != nil {
		t.Errorf("within the hour: %v", err)
	}
	c.at = c.at.Add(time.Second)
	if _, err := b.Open(binding(), token); fault.ReasonOf(err) != ReasonInvalid {
		t.Errorf("after the hour: %v", err)
	}
}

func TestKeysRotate(t *testing.T) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	before, step1 := book(t, c, oldKey), book(t, c, oldKey, newKey)
	step2, after := book(t, c, newKey, oldKey), book(t, c, newKey)
	for _, pair := range [][2]*Book{{before, step1}, {step1, before}, {step1, step2}, {step2, step1}, {step2, after}} {
		if _, err := pair[1].Open(binding(), pair[0].Seal(binding(), "x")); err != nil {
			t.Errorf("a token was refused during rotation: %v", err)
		}
	}
	if _, err := after.Open(binding(), before.Seal(binding(), "x")); err == nil {
		t.Error("a dropped key still opens")
	}
}

func TestEveryChangedByteIsRefused(t *testing.T) {
	b := book(t, &clock{time.Unix(1_800_000_000, 0)}, newKey)
	token := b.Seal(binding(), "cursor")
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		if _, err := b.Open(binding(), string(changed)); fault.ReasonOf(err) != ReasonInvalid {
			t.Fatalf("byte %d changed and the token opened", i)
		}
	}
	for _, cut := range []string{token[:len(token)-1], token + "A", token + "=", " " + token, strings.Repeat("A", maxToken+1)} {
		if _, err := b.Open(binding(), cut); fault.ReasonOf(err) != ReasonInvalid {
			t.Error("a token of another length opened")
		}
	}
}

func TestEmptyTokenIsTheFirstPage(t *testing.T) {
	b := book(t, &clock{time.Unix(1_800_000_000, 0)}, newKey)
	if got, err := b.Open(binding(), ""); got != "" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got := b.Seal(binding(), ""); got != "" {
		t.Errorf("the last page has a token: %q", got)
	}
}

func TestFilterLeavesPagingOut(t *testing.T) {
	a := Filter(&gatewayv1.ListEntriesRequest{NhsNumber: "9990002673", Code: "1", PageSize: 1, PageToken: "x"}, "nhs_number")
	b := Filter(&gatewayv1.ListEntriesRequest{NhsNumber: "999 000 2673", Code: "1", PageSize: 2, PageToken: "y"}, "nhs_number")
	if a != b {
		t.Error("paging changes the filter")
	}
	if a == Filter(&gatewayv1.ListEntriesRequest{Code: "2"}) {
		t.Error("another code is the same filter")
	}
}

func TestLoadRefusesBadFiles(t *testing.T) {
	short := base64.StdEncoding.EncodeToString([]byte("short"))
	zero := base64.StdEncoding.EncodeToString(make([]byte, keyBytes))
	for name, text := range map[string]string{
		"empty": "", "no base64": "secret!", "short": short, "zero": zero, "twice": newKey + "\n" + newKey,
		"three": newKey + "\n" + oldKey + "\n" + short,
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file, time.Now); err == nil || (text != "" && strings.Contains(err.Error(), text)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent"), time.Now); err == nil {
		t.Error("an absent file is a key")
	}
}

// FuzzOpen: whatever comes in, only what was sealed for the call opens. (Each fuzzing process seals a token of its
// own, under the same key: "cursor" can come out of any of those, and nothing else out of anything.)
func FuzzOpen(f *testing.F) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	b := book(f, c, newKey, oldKey)
	good := b.Seal(binding(), "cursor")
	f.Add(good)
	f.Add("")
	f.Add(good[:20])
	f.Add(strings.Repeat("_", 60))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := b.Open(binding(), token)
		switch {
		case token == "" && got == "" && err == nil:
		case token != "" && got == "cursor" && err == nil:
		case fault.ReasonOf(err) == ReasonInvalid && got == "":
		default:
			t.Errorf("Open(%q) = %q, %v", token, got, err)
		}
	})
}
