package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"
)

// selectAdmission asks in one round trip all that decides whether a service may start here. The last
// column names a schema in which this role could change tables themselves, by ownership or CREATE.
const selectAdmission = `
SELECT coalesce(current_schema()::text, '') AS schema,
       r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication AS privileged,
       current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('synchronous_standby_names') AS synchronous_standby_names,
       coalesce((
         SELECT n.nspname::text FROM pg_namespace n
         WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
           AND (pg_has_role(n.nspowner, 'MEMBER')
             OR has_schema_privilege(n.oid, 'CREATE')
             OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND pg_has_role(c.relowner, 'MEMBER')))
         ORDER BY 1 LIMIT 1), '') AS owned_schema
FROM pg_roles r WHERE r.rolname = current_user`

// admission is the answer.
type admission struct {
	Schema       string `db:"schema"`
	Privileged   bool   `db:"privileged"`
	Commit       string `db:"synchronous_commit"`
	StandbyNames string `db:"synchronous_standby_names"`
	OwnedSchema  string `db:"owned_schema"`
	severalHosts bool
	wantedSchema string
}

// admit asks and decides.
func admit(ctx context.Context, db *sqlx.DB, schema string, severalHosts bool) error {
	a := admission{wantedSchema: schema, severalHosts: severalHosts}
	if err := db.GetContext(ctx, &a, selectAdmission); err != nil {
		return fmt.Errorf("ask the server: %w", Translate(err))
	}
	return a.refuse()
}

// refuse says why a service must not start here; nil when it may. The application role has data rights
// only (DESIGN section 6), and an acknowledged write must survive the loss of the server: an opt-out that
// was confirmed and then lost would open a sealed record.
func (a admission) refuse() error {
	switch {
	case a.Privileged:
		return errors.New("this role is a superuser or may pass over access rules: use the application role (dcr_…_app)")
	case a.OwnedSchema != "":
		return fmt.Errorf("this role may alter schema %s: use the application role (dcr_…_app), and apply roles.sql", a.OwnedSchema)
	case a.wantedSchema != "" && a.Schema != a.wantedSchema:
		return fmt.Errorf("this role works in schema %q, not in %q: use dcr_%s_app", a.Schema, a.wantedSchema, a.wantedSchema)
	case a.Commit == "off":
		return errors.New("synchronous_commit is off: acknowledged changes could be lost")
	case a.severalHosts && a.Commit == "local":
		return errors.New("several hosts but synchronous_commit is local: a failover could lose acknowledged changes")
	case a.severalHosts && strings.TrimSpace(a.StandbyNames) == "":
		return errors.New("several hosts but synchronous_standby_names is empty: a failover could lose acknowledged changes")
	}
	return nil
}
