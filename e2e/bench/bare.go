package bench

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	_ "github.com/lib/pq" // the same driver as the suite's
)

// tableSQL holds, for each person, the entries that the record shows of them, as jsonb.
const tableSQL = `
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.line (nhs_number text, n int, body jsonb, PRIMARY KEY (nhs_number, n));
CREATE TABLE bench.event (id uuid PRIMARY KEY, occurred_at timestamptz NOT NULL, action text NOT NULL, nhs_number text NOT NULL,
  staff_id text NOT NULL, ods_code text NOT NULL, body bytea NOT NULL, hash bytea NOT NULL);
CREATE INDEX ON bench.event (nhs_number, id);
CREATE INDEX ON bench.event (staff_id, id);
CREATE INDEX ON bench.event (ods_code, id);
CREATE TABLE bench.resource (nhs_number text, id text, received timestamptz, raw text, digest bytea, PRIMARY KEY (nhs_number, id, received))`

// linesSQL is the select of the bare service.
const linesSQL = `SELECT body FROM bench.line WHERE nhs_number = $1 ORDER BY n`

// Bare serves what a bare service would: it selects a person's rows as jsonb and prints them. No token, no
// decision, no opt-out, no audit. It ends with ctx.
func Bare(ctx context.Context, listen, databaseURL string, cert tls.Certificate) error {
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	lines, err := db.PrepareContext(ctx, linesSQL)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	return serveTLS(ctx, listen, cert, func(w http.ResponseWriter, r *http.Request) {
		body, err := printLines(r.Context(), lines, strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			http.Error(w, "failed", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
}

func printLines(ctx context.Context, lines *sql.Stmt, number string) ([]byte, error) {
	rows, err := lines.QueryContext(ctx, number)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	body := []byte{'['}
	for rows.Next() {
		var one sql.RawBytes
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(body, one...)
	}
	return append(body, ']'), rows.Err()
}

// serveTLS serves one handler until ctx ends.
func serveTLS(ctx context.Context, listen string, cert tls.Certificate, handler http.HandlerFunc) error {
	server := &http.Server{
		Addr: listen, Handler: handler, ReadHeaderTimeout: 5 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	}
	done := make(chan error, 1)
	go func() { done <- server.ListenAndServeTLS("", "") }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := server.Shutdown(stop)
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
