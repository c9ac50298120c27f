package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	host := strings.Split(strings.Split(h.AppURL, "@")[1], "/")[0]
	name, port, _ := strings.Cut(host, ":")
	two := strings.Replace(h.AppURL, "@"+host, "@", 1) + "&host=" + name + "," + name + "&port=" + port + "," + port
	wrongPassword := strings.Replace(h.AppURL, "@", "secret@", 1)
	for name, test := range map[string]struct{ url, want string }{
		"superuser":                  {h.SuperURL, "superuser"},
		"owner":                      {h.OwnerURL, "may alter schema record"},
		"no sslmode":                 {strings.Split(h.AppURL, "?")[0], "must say sslmode"},
		"sslmode prefer":             {with(t, h.AppURL, "sslmode", "prefer"), "not accepted"},
		"synchronous_commit":         {with(t, h.AppURL, "synchronous_commit", "off"), "synchronous_commit is off"},
		"two hosts, any role":        {two, "target_session_attrs"},
		"two hosts, no standby":      {two + "&target_session_attrs=read-write", "synchronous_standby_names is empty"},
		"two hosts, local commit":    {two + "&target_session_attrs=read-write&synchronous_commit=local", "is local"},
		"two hosts, wrong form":      {strings.Replace(h.AppURL, host, host+","+host, 1), "as options"},
		"not a URL":                  {"host=localhost", "postgres://"},
		"wrong password is not told": {wrongPassword, "open database"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := postgres.Open(limit(t), postgres.Config{URL: test.url})
			if err == nil {
				_ = db.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), host+"/") {
				t.Errorf("error quotes the URL: %q", err)
			}
		})
	}
}

func TestOpenRefusesRoleThatMayCreate(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	mustExec(t, connect(t, h.SuperURL), "GRANT CREATE ON SCHEMA audit TO dcr_record_app")
	if _, err := postgres.Open(limit(t), postgres.Config{URL: h.AppURL}); err == nil || !strings.Contains(err.Error(), "schema audit") {
		t.Errorf("got %v, want a refusal that names the schema", err)
	}
}

func TestOpenSetsLimits(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	db, err := postgres.Open(limit(t), postgres.Config{URL: h.AppURL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for setting, want := range map[string]string{
		"statement_timeout": "5s", "idle_in_transaction_session_timeout": "30s", "search_path": "record",
	} {
		var got string
		if err := db.Get(&got, "SELECT current_setting($1)", setting); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", setting, got, err, want)
		}
	}
	if got := db.Stats().MaxOpenConnections; got != 16 {
		t.Errorf("pool of %d, want 16", got)
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	h := testkit.Database(t, "record", migrations("record", dml))
	const insert, count = "INSERT INTO thing (id, name) VALUES ($1, $2)", "SELECT count(*) FROM thing WHERE id = $1"
	made, err := postgres.Prepare(ctx, h.App, insert, count)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	tx, err := h.App.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Exec(ctx, tx, insert, 1, "one"); err != nil {
		t.Fatal(err)
	}
	var inside, outside int
	if err := errors.Join(made.Get(ctx, tx, &inside, count, 1), made.Get(ctx, nil, &outside, count, 1), tx.Rollback()); err != nil {
		t.Fatal(err)
	}
	if inside != 1 || outside != 0 {
		t.Errorf("inside %d, outside %d; want 1, 0", inside, outside)
	}
	if err := made.Get(ctx, nil, &outside, "SELECT 1"); err == nil {
		t.Error("ran a statement that was not prepared")
	}
	if _, err := postgres.Prepare(ctx, h.App, "SELECT no_such_column FROM thing"); err == nil {
		t.Error("prepared a misspelt statement")
	}
}
