package postgres_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// TestEightMigratorsAtOnce lets as many replicas migrate at once as a rolling release may start. The
// second migration fails when it runs twice.
func TestEightMigratorsAtOnce(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	files := migrations("record", dml)
	h := testkit.Database(t, "record", files)
	more := fstest.MapFS{
		"00001_thing.sql": files["00001_thing.sql"],
		"00002_more.sql": {Data: []byte("-- +goose Up\nSET lock_timeout = '5s';\nCREATE TABLE more (id int);\nINSERT INTO more SELECT 1 FROM pg_sleep(0.2);\n" +
			"-- +goose Down\nSET lock_timeout = '5s';\nDROP TABLE more;\n")},
	}
	errs := make(chan error)
	for range 8 {
		go func() { errs <- postgres.Migrate(ctx, h.OwnerURL, "record", more) }()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	var rows, versions int
	if err := h.Owner.Get(&rows, "SELECT count(*) FROM more"); err != nil || rows != 1 {
		t.Errorf("migration ran %d times, %v; want once", rows, err)
	}
	if err := h.Owner.Get(&versions, "SELECT max(version_id) FROM record.schema_version"); err != nil || versions != 2 {
		t.Errorf("version %d, %v; want 2, kept in the schema", versions, err)
	}
}

func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	fine := migrations("record", dml)
	careless := fstest.MapFS{"00001_x.sql": {Data: []byte("-- +goose Up\nCREATE TABLE x (id int);\n-- +goose Down\nDROP TABLE x;\n")}}
	for name, test := range map[string]struct {
		url, schema string
		files       fstest.MapFS
		want        string
	}{
		"superuser":       {h.SuperURL, "record", fine, "does not own schema"},
		"application":     {h.AppURL, "record", fine, "does not own schema"},
		"another's owner": {h.OwnerURL, "audit", fine, "does not own schema"},
		"no schema":       {h.OwnerURL, "nothing", fine, "does not own schema"},
		"no lock_timeout": {h.OwnerURL, "record", careless, "SET lock_timeout"},
		"no migrations":   {h.OwnerURL, "record", fstest.MapFS{}, "no migrations"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := postgres.Migrate(limit(t), test.url, test.schema, test.files)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestMigrateFindsFolder(t *testing.T) {
	t.Parallel()
	inFolder := fstest.MapFS{"migrations/00001_thing.sql": migrations("record", dml)["00001_thing.sql"]}
	h := testkit.Database(t, "record", inFolder)
	mustExec(t, h.App, "INSERT INTO thing VALUES (1, 'one')")
}
