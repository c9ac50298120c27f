package fault_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// insufficientPrivilege is PostgreSQL's code for what a role may not do.
const insufficientPrivilege = "42501"

// testDatabaseRoles: no service's role reaches another schema, or changes definitions; nobody edits the audit log.
func testDatabaseRoles(t *testing.T, s *suite) {
	tables := map[string]string{"identity": "identity.patient", "record": "record.entry", "optout": "optout.opt_out", "audit": "audit.event"}
	for _, schema := range postgres.Schemas() {
		var forbidden []string
		for other, table := range tables {
			if other == schema {
				continue
			}
			forbidden = append(forbidden, "SELECT count(*) FROM "+table, "DELETE FROM "+table,
				"CREATE TABLE "+other+".mine (n int)")
		}
		forbidden = append(forbidden, "CREATE TABLE public.mine (n int)")
		s.wantForbidden(t, postgres.OwnerRole(schema), forbidden)
		forbidden = append(forbidden, "CREATE TABLE "+schema+".mine (n int)", "TRUNCATE "+tables[schema])
		if schema == "audit" {
			forbidden = append(forbidden, "UPDATE audit.event SET id = id", "DELETE FROM audit.event", "DROP TABLE audit.event")
		}
		s.wantForbidden(t, postgres.AppRole(schema), forbidden)
	}
}

func (s *suite) wantForbidden(t *testing.T, role string, statements []string) {
	t.Helper()
	db, err := sql.Open("postgres", s.stack.DatabaseURL(role))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	for _, statement := range statements {
		_, err := db.ExecContext(ctx, statement)
		var refused *pq.Error
		if !errors.As(err, &refused) || refused.Code != insufficientPrivilege {
			t.Errorf("%s: %s: %v", role, statement, err)
		}
	}
}
