package testkit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// templates makes a database per schema and set of migrations, and copies of it.
type templates struct {
	super     *url.URL
	passwords map[string]string

	// mu serialises all changes of the server's catalogue: PostgreSQL refuses to copy a template that
	// another copy is reading, and bootstraps of two databases touch the same roles.
	mu    sync.Mutex
	names map[[sha256.Size]byte]string
}

func newTemplates(super *url.URL) *templates {
	return &templates{super: super, passwords: passwords(super), names: map[[sha256.Size]byte]string{}}
}

// url is a role's URL for a database.
func (s *templates) url(role, database string) string {
	u := *s.super
	u.User = url.UserPassword(role, s.passwords[role])
	u.Path = "/" + database
	return u.String()
}

// superURL is the superuser's URL for a database.
func (s *templates) superURL(database string) string {
	u := *s.super
	u.Path = "/" + database
	return u.String()
}

// clone makes a database for one test and gives its name.
func (s *templates) clone(ctx context.Context, schema string, migrations fs.FS) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	template, err := s.template(ctx, schema, migrations)
	if err != nil {
		return "", err
	}
	name := newName("dcr_test_")
	if err := s.exec(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" TEMPLATE "+pq.QuoteIdentifier(template)); err != nil {
		return "", fmt.Errorf("copy template: %w", err)
	}
	// Rights on a database are not copied with it.
	if err := postgres.Bootstrap(ctx, s.superURL(name), nil); err != nil {
		return "", err
	}
	return name, nil
}

// template gives the name of the template, made on first use.
func (s *templates) template(ctx context.Context, schema string, migrations fs.FS) (string, error) {
	key, err := fingerprint(schema, migrations)
	if err != nil {
		return "", fmt.Errorf("read migrations: %w", err)
	}
	if name, ok := s.names[key]; ok {
		return name, nil
	}
	name := newName("dcr_template_")
	if err := s.exec(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(name)); err != nil {
		return "", fmt.Errorf("make template: %w", err)
	}
	if err := postgres.Bootstrap(ctx, s.superURL(name), s.passwords); err != nil {
		return "", err
	}
	if err := postgres.Migrate(ctx, s.url(postgres.OwnerRole(schema), name), schema, migrations); err != nil {
		return "", err
	}
	s.names[key] = name
	return name, nil
}

// drop removes the templates.
func (s *templates) drop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, name := range s.names {
		errs = append(errs, s.exec(ctx, dropSQL(name)))
	}
	return errors.Join(errs...)
}

// dropDatabase removes a test's database, with whoever is still connected.
func (s *templates) dropDatabase(ctx context.Context, name string) error {
	return s.exec(ctx, dropSQL(name))
}

func dropSQL(name string) string {
	return "DROP DATABASE IF EXISTS " + pq.QuoteIdentifier(name) + " WITH (FORCE)"
}

// exec runs one administrative statement on a connection of its own.
func (s *templates) exec(ctx context.Context, text string) error {
	db, err := sqlx.ConnectContext(ctx, "postgres", s.super.String())
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, text)
	return errors.Join(err, db.Close())
}

// newName is a name that no other test process uses on the same server.
func newName(prefix string) string { return prefix + strings.ToLower(rand.Text()[:12]) }

// fingerprint tells sets of migrations apart by their content.
func fingerprint(schema string, migrations fs.FS) ([sha256.Size]byte, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q", schema)
	err := fs.WalkDir(migrations, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations, name)
		fmt.Fprintf(h, "%q%q", name, text)
		return err
	})
	return [sha256.Size]byte(h.Sum(nil)), err
}
