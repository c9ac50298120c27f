package postgres

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// RolesSQL makes the roles and the schemas; operators run the same text (docs/operations).
//
//go:embed roles.sql
var RolesSQL string

// Schemas lists the schemas of the suite, one per service that keeps data.
func Schemas() []string { return []string{"identity", "record", "optout", "audit"} }

// OwnerRole is the role that migrates a schema.
func OwnerRole(schema string) string { return "dcr_" + schema + "_owner" }

// AppRole is the role that a schema's service runs as.
func AppRole(schema string) string { return "dcr_" + schema + "_app" }

const bootstrapAttempts = 10

// Bootstrap applies roles.sql to the database of superURL and sets the given passwords, by role name.
// It may run again, and several may run at once. The URL is a superuser's.
func Bootstrap(ctx context.Context, superURL string, passwords map[string]string) error {
	db, err := connect(superURL)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	defer func() { _ = db.Close() }()
	for attempt := 1; ; attempt++ {
		err := bootstrapOnce(ctx, db, passwords)
		if err == nil || attempt == bootstrapAttempts || !collided(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(attempt) * 10 * time.Millisecond):
		}
	}
}

// connect opens a pool of one connection for administration: no statement timeout, no admission.
func connect(databaseURL string) (*sqlx.DB, error) {
	driverCfg, err := driverConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	db := pool(driverCfg, Config{ConnectTimeout: defaultConnectTimeout})
	db.SetMaxOpenConns(2)
	return db, nil
}

func bootstrapOnce(ctx context.Context, db *sqlx.DB, passwords map[string]string) error {
	if _, err := db.ExecContext(ctx, RolesSQL); err != nil {
		return fmt.Errorf("apply roles.sql: %w", err)
	}
	for role, password := range passwords {
		if !knownRole(role) {
			return fmt.Errorf("set password: %q is no role of the suite", role)
		}
		// The verifier, not the password: a statement may be logged on the way.
		verifier, err := scramVerifier(password)
		if err != nil {
			return fmt.Errorf("set password of %s: %w", role, err)
		}
		text := "ALTER ROLE " + pq.QuoteIdentifier(role) + " PASSWORD " + pq.QuoteLiteral(verifier)
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("set password of %s: %w", role, err)
		}
	}
	return nil
}

func knownRole(role string) bool {
	return slices.ContainsFunc(Schemas(), func(schema string) bool {
		return role == OwnerRole(schema) || role == AppRole(schema)
	})
}

// collided tells whether another bootstrap changed the same rows of the server's catalogue. There is no
// lock that spans databases without more rights than a managed server grants, so we try again.
func collided(err error) bool {
	var pqErr *pq.Error
	if !errors.As(err, &pqErr) {
		return false
	}
	switch pqErr.Code {
	case "23505", "42710", "42P06", "40P01": // made by somebody since we looked; deadlock
		return true
	case "XX000": // "tuple concurrently updated" has no code of its own
		return true
	}
	return false
}
