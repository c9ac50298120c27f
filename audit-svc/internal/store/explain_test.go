package store

import (
	"context"
	"strings"
)

// ExplainList is the plan of List for these arguments.
func (s *Store) ExplainList(ctx context.Context, f Filter, after string, limit int) (string, error) {
	args := f.args()
	if after != "" {
		args[1] = after
	}
	var lines []string
	err := s.db.SelectContext(ctx, &lines, "EXPLAIN "+selectBodies, append(args, limit)...)
	return strings.Join(lines, "\n"), err
}
