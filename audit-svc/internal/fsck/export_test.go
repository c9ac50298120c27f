package fsck

import (
	"context"

	"github.com/jmoiron/sqlx"
)

// Within checks what an open transaction sees: a trial tampers in it, checks, and rolls back.
func Within(ctx context.Context, tx *sqlx.Tx, cfg Config) (*Report, error) {
	return check(ctx, tx, cfg)
}

// Without switches one check off.
func (c Config) Without(check Check) Config {
	c.without = check
	return c
}
