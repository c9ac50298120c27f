package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Statements are a service's SQL texts, prepared once when it starts and kept (STACK.md: a prepared call
// costs a sixth of a plain one). Each text is a constant beside the method that uses it, and is its own
// name here. database/sql prepares a statement on further connections when it first runs there.
type Statements struct {
	byText map[string]*sqlx.Stmt
}

// Prepare prepares all texts, so that a misspelt column stops the start and not the first caller.
func Prepare(ctx context.Context, db *sqlx.DB, texts ...string) (*Statements, error) {
	s := &Statements{byText: make(map[string]*sqlx.Stmt, len(texts))}
	for i, text := range texts {
		if _, ok := s.byText[text]; ok {
			continue
		}
		made, err := db.PreparexContext(ctx, text) //nolint:sqlclosecheck // Close closes it
		if err != nil {
			return nil, errors.Join(fmt.Errorf("prepare statement %d of %d: %w", i+1, len(texts), err), s.Close())
		}
		s.byText[text] = made
	}
	return s, nil
}

// errUnprepared is a mistake in a store: it runs a text that it did not list.
var errUnprepared = errors.New("statement was not prepared at start")

// On gives the statement of a text, in the transaction when there is one, else (nil) on the pool.
func (s *Statements) On(ctx context.Context, tx *sqlx.Tx, text string) (*sqlx.Stmt, error) {
	made, ok := s.byText[text]
	if !ok {
		return nil, errUnprepared
	}
	if tx == nil {
		return made, nil
	}
	return tx.StmtxContext(ctx, made), nil
}

// Get reads one row into dest; sql.ErrNoRows when there is none.
func (s *Statements) Get(ctx context.Context, tx *sqlx.Tx, dest any, text string, args ...any) error {
	made, err := s.On(ctx, tx, text) //nolint:sqlclosecheck // Close closes it, the transaction its copy
	if err != nil {
		return err
	}
	return made.GetContext(ctx, dest, args...)
}

// Select reads all rows into the slice that dest points to.
func (s *Statements) Select(ctx context.Context, tx *sqlx.Tx, dest any, text string, args ...any) error {
	made, err := s.On(ctx, tx, text) //nolint:sqlclosecheck // Close closes it, the transaction its copy
	if err != nil {
		return err
	}
	return made.SelectContext(ctx, dest, args...)
}

// Query runs a statement on the pool and leaves its rows to the caller, who closes them.
func (s *Statements) Query(ctx context.Context, text string, args ...any) (*sqlx.Rows, error) {
	made, err := s.On(ctx, nil, text) //nolint:sqlclosecheck // Close closes it
	if err != nil {
		return nil, err
	}
	return made.QueryxContext(ctx, args...)
}

// Exec runs a statement that answers no rows.
func (s *Statements) Exec(ctx context.Context, tx *sqlx.Tx, text string, args ...any) (sql.Result, error) {
	made, err := s.On(ctx, tx, text) //nolint:sqlclosecheck // Close closes it, the transaction its copy
	if err != nil {
		return nil, err
	}
	return made.ExecContext(ctx, args...)
}

// Close gives all statements up. Close them before the pool.
func (s *Statements) Close() error {
	var errs []error
	for _, made := range s.byText {
		errs = append(errs, made.Close())
	}
	return errors.Join(errs...)
}
