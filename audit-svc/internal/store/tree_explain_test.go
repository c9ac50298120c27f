package store

import (
	"context"
	"strings"
)

// Statements of the tree, for tests of their plans.
const (
	StoredSQL     = selectStored
	SweepSQL      = selectUnsequenced
	HeadSQL       = selectHead
	TilesSQL      = selectTiles
	LeafHashesSQL = selectLeafHashes
	RootsSQL      = selectRoots
	ProvenSQL     = selectProven
	LagSQL        = selectLag
	LargestSQL    = selectLargest
	WitnessedSQL  = selectWitnessed
	CosignedSQL   = selectCosigned
	SignersSQL    = selectSigners
	InsertLeaves  = insertLeaves
)

// ExplainGeneric is the plan that a prepared statement ends with when the server plans it for all values.
// Lead plans it in a sequencer's session. The arguments are SQL.
func (l *Lead) ExplainGeneric(ctx context.Context, text, args string) (string, error) {
	for _, statement := range []string{"SET plan_cache_mode = force_generic_plan", "DEALLOCATE ALL", "PREPARE shown AS " + text} {
		if _, err := l.conn.ExecContext(ctx, statement); err != nil {
			return "", err
		}
	}
	var lines []string
	execute := "EXPLAIN EXECUTE shown"
	if args != "" {
		execute += " (" + args + ")"
	}
	err := l.conn.SelectContext(ctx, &lines, execute)
	return strings.Join(lines, "\n"), err
}

// ExplainPooled is the same in a session of the pool, whose planner is as the service sets it up.
func (s *Store) ExplainPooled(ctx context.Context, text, args string) (string, error) {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return "", err
	}
	l := &Lead{conn: conn}
	defer func() { _ = l.Close() }()
	return l.ExplainGeneric(ctx, text, args)
}
