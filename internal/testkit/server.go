package testkit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/pgserver"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// URLVariable names a superuser's URL of a server to test on, in place of a private one.
const URLVariable = "DCR_TEST_DATABASE_URL"

const (
	startLimit = 5 * time.Minute // an apt-get may be in it
	stopLimit  = 20 * time.Second
)

// shared is the server of this test process. It is the one thing here that is not handed from hand to
// hand: go test gives a package no way to pass a value from TestMain to its tests.
var shared struct {
	sync.Mutex
	inMain  bool
	url     *url.URL
	private *pgserver.Server
	dir     string
	store   *templates
}

// Main runs the tests of a package, then drops what they made and stops the private server. It does
// not return.
func Main(m *testing.M) {
	shared.Lock()
	shared.inMain = true
	shared.Unlock()
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testkit:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// serverTemplates starts the server on first use and gives its templates.
func serverTemplates() (*templates, error) {
	shared.Lock()
	defer shared.Unlock()
	if !shared.inMain {
		return nil, errors.New("add func TestMain(m *testing.M) { testkit.Main(m) } to this package")
	}
	if shared.store != nil {
		return shared.store, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := start(ctx); err != nil {
		return nil, err
	}
	shared.store = newTemplates(shared.url)
	return shared.store, nil
}

// start finds a server or makes one. A private one of a test is throwaway: a test that crashes a server
// starts its own.
func start(ctx context.Context) error {
	if given := os.Getenv(URLVariable); given != "" {
		parsed, err := url.Parse(given)
		if err != nil {
			return fmt.Errorf("%s is not a URL", URLVariable) // its own error would print the password
		}
		shared.url = parsed
		return nil
	}
	dir, err := os.MkdirTemp("", "dcr-test-pg-")
	if err != nil {
		return err
	}
	if _, err := pgserver.Find(ctx); errors.Is(err, pgserver.ErrNotFound) {
		if err := pgserver.Install(ctx, os.Stderr); err != nil { // a fresh machine; it takes a minute, so it speaks
			return err
		}
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Dir: dir, Throwaway: true})
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	shared.private, shared.dir = server, dir
	shared.url, err = url.Parse(server.URL("postgres"))
	return err
}

// stop undoes start.
func stop() error {
	shared.Lock()
	defer shared.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	var errs []error
	if shared.store != nil {
		errs = append(errs, shared.store.drop(ctx))
	}
	if shared.private != nil {
		errs = append(errs, shared.private.Stop(ctx), os.RemoveAll(shared.dir))
	}
	return errors.Join(errs...)
}

// passwords of the suite's roles. Roles belong to the whole server, which several test processes may
// share; so the passwords follow from the superuser's, and every process sets the same ones.
func passwords(super *url.URL) map[string]string {
	secret, _ := super.User.Password()
	made := map[string]string{}
	for _, schema := range postgres.Schemas() {
		for _, role := range []string{postgres.OwnerRole(schema), postgres.AppRole(schema)} {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write([]byte(role))
			made[role] = hex.EncodeToString(mac.Sum(nil))
		}
	}
	return made
}
