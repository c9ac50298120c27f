package postgres_test

import (
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// TestNoRoleReachesAnotherSchema makes a table in every schema and lets every role try every statement on
// every other's (DESIGN section 6: tested by trying).
func TestNoRoleReachesAnotherSchema(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	h := testkit.Database(t, "audit", migrations("audit", "SELECT, INSERT"))
	super := connect(t, h.SuperURL)
	users := map[string]*sqlx.DB{"dcr_audit_app": h.App, "dcr_audit_owner": h.Owner}
	for _, schema := range []string{"identity", "record", "optout"} {
		owner, app := postgres.OwnerRole(schema), postgres.AppRole(schema)
		if err := postgres.Migrate(ctx, h.URL(owner), schema, migrations(schema, dml)); err != nil {
			t.Fatal(err)
		}
		users[owner], users[app] = connect(t, h.URL(owner)), connect(t, h.URL(app))
	}
	for _, schema := range postgres.Schemas() {
		mustExec(t, super, fmt.Sprintf("INSERT INTO %s.thing VALUES (1, 'one')", schema))
	}
	for _, schema := range postgres.Schemas() {
		for role, db := range users {
			own := role == postgres.OwnerRole(schema) || role == postgres.AppRole(schema)
			for _, text := range []string{
				"SELECT count(*) FROM %s.thing", "UPDATE %s.thing SET name = 'x'", "DELETE FROM %s.thing WHERE id = 9",
				"INSERT INTO %s.thing VALUES (2, 'two')", "TRUNCATE %s.thing CASCADE", "CREATE TABLE %s.mine (id int)", "DROP TABLE %s.thing CASCADE",
				"LOCK TABLE %s.thing IN ACCESS EXCLUSIVE MODE", "SELECT * FROM %s.schema_version",
			} {
				if own {
					continue
				}
				if err := try(db, fmt.Sprintf(text, schema)); !refusedByRights(err) {
					t.Errorf("%s: %s: got %v, want insufficient privilege", role, fmt.Sprintf(text, schema), err)
				}
			}
		}
	}
}

func TestAuditAppAppendsOnly(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "audit", migrations("audit", "SELECT, INSERT"))
	mustExec(t, h.App, "INSERT INTO thing VALUES (1, 'one')")
	for _, text := range []string{
		"UPDATE thing SET name = 'x'", "DELETE FROM thing", "TRUNCATE thing CASCADE", "DROP TABLE thing CASCADE",
		"ALTER TABLE thing DISABLE TRIGGER ALL", "CREATE TABLE mine (id int)", "CREATE TEMP TABLE mine (id int)",
		"CREATE TABLE public.mine (id int)", "SELECT * FROM thing FOR UPDATE", "SET ROLE dcr_audit_owner",
	} {
		if err := try(h.App, text); !refusedByRights(err) {
			t.Errorf("%s: got %v, want insufficient privilege", text, err)
		}
	}
}

func TestBootstrapAgainAndAtOnce(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	h := testkit.Database(t, "optout", migrations("optout", dml))
	errs := make(chan error)
	for range 8 {
		go func() { errs <- postgres.Bootstrap(ctx, h.SuperURL, nil) }()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestBootstrapRefusesForeignSchema(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "optout", migrations("optout", dml))
	mustExec(t, connect(t, h.SuperURL), "ALTER SCHEMA audit OWNER TO postgres")
	if err := postgres.Bootstrap(limit(t), h.SuperURL, nil); err == nil {
		t.Error("took over a schema that belongs to somebody else")
	}
	if err := postgres.Bootstrap(limit(t), h.SuperURL, map[string]string{"postgres": "x"}); err == nil {
		t.Error("changed the password of a role that is not the suite's")
	}
}

// connect opens a plain pool, without the admission of postgres.Open.
func connect(t *testing.T, databaseURL string) *sqlx.DB {
	t.Helper()
	db, err := sqlx.ConnectContext(limit(t), "postgres", databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// try runs a statement in a transaction that is rolled back.
func try(db *sqlx.DB, text string) error {
	tx, err := db.Beginx()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	_, err = tx.Exec(text)
	return err
}

func mustExec(t *testing.T, db *sqlx.DB, text string, args ...any) {
	t.Helper()
	if _, err := db.Exec(text, args...); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func refusedByRights(err error) bool {
	var pqErr *pq.Error
	return errors.As(err, &pqErr) && pqErr.Code == "42501"
}

// with gives a URL another option.
func with(t *testing.T, databaseURL, option, value string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(option, value)
	u.RawQuery = q.Encode()
	return u.String()
}
