package postgres_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// limit bounds a test's waits.
func limit(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// migrations is one file for a schema, with rights as a service's migrations give them.
func migrations(schema, rights string) fstest.MapFS {
	return fstest.MapFS{"00001_thing.sql": {Data: []byte(`-- +goose Up
SET lock_timeout = '5s';
CREATE TABLE thing (id int PRIMARY KEY, name text NOT NULL CONSTRAINT thing_name_short CHECK (length(name) < 9));
CREATE TABLE part (id int PRIMARY KEY, thing int NOT NULL REFERENCES thing (id));
GRANT ` + rights + ` ON thing, part TO dcr_` + schema + `_app;
-- +goose Down
SET lock_timeout = '5s';
DROP TABLE part;
DROP TABLE thing;
`)}}
}

const dml = "SELECT, INSERT, UPDATE, DELETE"
