package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// OpenOwner connects as the owner of a schema, with search_path set to it, for commands that migrate or
// maintain it; a service uses Open, which refuses an owner. There is no statement timeout, since an index
// may take long; a frozen server is found by keepalive. The caller closes the pool.
func OpenOwner(ctx context.Context, ownerURL, schema string) (*sqlx.DB, error) {
	driverCfg, err := driverConfig(ownerURL)
	if err != nil {
		return nil, err
	}
	driverCfg.Runtime["search_path"] = schema
	db := pool(driverCfg, Config{ConnectTimeout: defaultConnectTimeout})
	if err := checkOwner(ctx, db, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// selectOwner tells whether we are the schema's owner and no superuser, whose tables would belong to
// the wrong role.
const selectOwner = `
SELECT coalesce((SELECT pg_get_userbyid(nspowner) = current_user FROM pg_namespace WHERE nspname = $1), false)`

func checkOwner(ctx context.Context, db *sqlx.DB, schema string) error {
	var owner bool
	if err := db.GetContext(ctx, &owner, selectOwner, schema); err != nil {
		return fmt.Errorf("ask who owns the schema: %w", Translate(err))
	}
	if !owner {
		return fmt.Errorf("this role does not own schema %s: apply roles.sql and migrate as %s", schema, OwnerRole(schema))
	}
	return nil
}
