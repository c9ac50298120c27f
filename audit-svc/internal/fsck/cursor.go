package fsck

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// cursor reads a long result a batch at a time, inside the one snapshot. A cursor, and no paging by key: rows
// whose keys are no keys any more are seen as well.
type cursor[T any] struct {
	tx   *sqlx.Tx
	name string
	rows []T
	next int
}

// openCursor declares a cursor under a name.
func openCursor[T any](ctx context.Context, tx *sqlx.Tx, name, query string, args ...any) (*cursor[T], error) {
	if _, err := tx.ExecContext(ctx, "DECLARE "+name+" NO SCROLL CURSOR FOR "+query, args...); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return &cursor[T]{tx: tx, name: name}, nil
}

// batch is the next rows; none at the end.
func (c *cursor[T]) batch(ctx context.Context) ([]T, error) {
	var rows []T
	if err := c.tx.SelectContext(ctx, &rows, fmt.Sprintf("FETCH FORWARD %d FROM %s", batch, c.name)); err != nil {
		return nil, fmt.Errorf("read %s: %w", c.name, err)
	}
	return rows, nil
}

// one is the next row; nil at the end.
func (c *cursor[T]) one(ctx context.Context) (*T, error) {
	if c.next == len(c.rows) {
		rows, err := c.batch(ctx)
		if err != nil || len(rows) == 0 {
			return nil, err
		}
		c.rows, c.next = rows, 0
	}
	c.next++
	return &c.rows[c.next-1], nil
}
