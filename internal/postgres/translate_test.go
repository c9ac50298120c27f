package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"google.golang.org/grpc/codes"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/internal/testkit"
)

// secret stands for a person's data in a statement that fails.
const secret = "9990002673"

func TestTranslate(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	mustExec(t, h.App, "INSERT INTO thing VALUES (1, 'one')")
	for text, want := range map[string]struct {
		code   codes.Code
		reason string
	}{
		"INSERT INTO thing VALUES (1, 'two')":                                       {codes.AlreadyExists, postgres.ReasonExists},
		"INSERT INTO thing VALUES (2, '" + secret + "')":                            {codes.InvalidArgument, postgres.ReasonRefused},
		"INSERT INTO thing VALUES (2, NULL)":                                        {codes.InvalidArgument, postgres.ReasonRefused},
		"SELECT '" + secret + "x'::int":                                             {codes.InvalidArgument, postgres.ReasonRefused},
		"INSERT INTO part VALUES (1, 99)":                                           {codes.FailedPrecondition, postgres.ReasonMissing},
		"SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)":                      {codes.Unavailable, postgres.ReasonTimeout},
		"DO $$ BEGIN RAISE EXCEPTION '" + secret + "' USING ERRCODE='40001'; END$$": {codes.Aborted, postgres.ReasonConcurrent},
		"DO $$ BEGIN RAISE EXCEPTION '" + secret + "' USING ERRCODE='40P01'; END$$": {codes.Aborted, postgres.ReasonConcurrent},
		"DO $$ BEGIN RAISE EXCEPTION '" + secret + "' USING ERRCODE='53300'; END$$": {codes.Unavailable, postgres.ReasonUnreachable},
		"SET TRANSACTION READ ONLY; DELETE FROM thing":                              {codes.Unavailable, postgres.ReasonUnreachable},
		"TRUNCATE thing":                                {codes.Internal, "INTERNAL"},
		"SELECT * FROM nothing":                         {codes.Internal, "INTERNAL"},
		"SELECT pg_terminate_backend(pg_backend_pid())": {codes.Unavailable, postgres.ReasonUnreachable},
	} {
		t.Run(text, func(t *testing.T) {
			err := postgres.Translate(fmt.Errorf("load choice: %w", try(h.App, text)))
			st := fault.Status(err)
			if st.Code() != want.code || fault.ReasonOf(err) != want.reason {
				t.Errorf("got %v %s (%v), want %v %s", st.Code(), fault.ReasonOf(err), err, want.code, want.reason)
			}
			for what, said := range map[string]string{"status": st.String(), "error": err.Error(), "trail": fault.Trail(err)} {
				if strings.Contains(said, secret) {
					t.Errorf("%s quotes a value: %s", what, said)
				}
			}
			if strings.Contains(st.Message(), "pq:") || strings.Contains(st.Message(), "relation") {
				t.Errorf("the caller is told about our tables: %s", st.Message())
			}
			var pqErr *pq.Error
			if want.reason != postgres.ReasonUnreachable && (!errors.As(err, &pqErr) || !strings.Contains(err.Error(), "load choice")) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

func TestTranslateLeavesAlone(t *testing.T) {
	t.Parallel()
	own := fault.NotFound("PATIENT_NOT_FOUND", "No such patient.")
	for _, err := range []error{nil, own, context.DeadlineExceeded, context.Canceled} {
		if got := postgres.Translate(err); got != err { //nolint:errorlint // the very same one is wanted
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestViolates(t *testing.T) {
	t.Parallel()
	h := testkit.Database(t, "record", migrations("record", dml))
	err := postgres.Translate(try(h.App, "INSERT INTO thing VALUES (2, 'much too long')"))
	if !postgres.Violates(err, "thing_name_short") || postgres.Violates(err, "thing_pkey") {
		t.Errorf("constraint not recognised in %v", err)
	}
}

func TestInTx(t *testing.T) {
	t.Parallel()
	ctx := limit(t)
	h := testkit.Database(t, "record", migrations("record", dml))
	insert := func(tx *sqlx.Tx, id int) error {
		_, err := tx.Exec("INSERT INTO thing VALUES ($1, 'n')", id)
		return err
	}
	clash := func(tx *sqlx.Tx) error {
		_, err := tx.Exec("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE='40001'; END$$")
		return fmt.Errorf("clash: %w", err)
	}

	attempts := 0
	err := postgres.InTx(ctx, h.App, func(tx *sqlx.Tx) error {
		attempts++
		if err := insert(tx, 1); err != nil || attempts == 3 {
			return err
		}
		return clash(tx)
	})
	if err != nil || attempts != 3 {
		t.Errorf("third attempt: %v after %d", err, attempts)
	}

	attempts = 0
	err = postgres.InTx(ctx, h.App, func(tx *sqlx.Tx) error { attempts++; return clash(tx) })
	if fault.ReasonOf(err) != postgres.ReasonConcurrent || attempts != 5 {
		t.Errorf("always clashing: %v after %d attempts, want Conflict after 5", err, attempts)
	}

	refusal := fault.Denied("NO_RELATIONSHIP", "No.")
	err = postgres.InTx(ctx, h.App, func(tx *sqlx.Tx) error { return errors.Join(insert(tx, 2), refusal) })
	if !errors.Is(err, refusal) {
		t.Errorf("work's own refusal became %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = postgres.InTx(ctx, h.App, func(tx *sqlx.Tx) error { _ = insert(tx, 3); panic("bug") })
	}()
	var ids []int
	if err := h.App.Select(&ids, "SELECT id FROM thing"); err != nil || len(ids) != 1 || ids[0] != 1 {
		t.Errorf("committed %v, %v; want only what returned nil", ids, err)
	}
	if busy := h.App.Stats().InUse; busy != 0 {
		t.Errorf("%d connections are still held", busy)
	}
}
