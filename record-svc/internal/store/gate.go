package store

import "errors"

// ErrNoPerson says that nothing was received about a person.
var ErrNoPerson = errors.New("no such person in the record")

// Gate is what stands between a caller's decision and a person's record, read in the same statement as
// what it guards.
type Gate struct {
	// Choice that is kept here. Bodies are read only where it is open and has the number that was asked with.
	Choice
	// Held is true for a person who is new and not yet checked against waiting requests to opt out.
	Held bool `db:"held"`
	// Restricted is true for a person flagged sensitive.
	Restricted bool `db:"restricted"`
	// Rules is the version of the never-shared code sets that the person's lines were rendered under.
	Rules string `db:"rules"`
}

// Open tells whether the gate let the caller's decision through.
func (g Gate) Open(asked int64) bool { return !g.Sealed && !g.Held && g.Number == asked }

// gateSQL has one row per person with a record. $1 is the person, $2 the number of the choice that the
// caller's decision rests on. Every statement that reads a person's data begins with it and joins the data
// to rows with let_through alone.
const gateSQL = `
SELECT p.held, p.restricted, p.rules, p.gp_ods_code, coalesce(c.choice_number, 0) AS choice_number, coalesce(c.sealed, false) AS sealed,
       coalesce(c.choice_number, 0) = $2::bigint AND NOT coalesce(c.sealed, false) AND NOT p.held AS let_through
  FROM person p LEFT JOIN choice c ON c.nhs_number = p.nhs_number
 WHERE p.nhs_number = $1 AND p.sequence > 0`

// gateColumns are the columns of Gate.
const gateColumns = `g.held, g.restricted, g.rules, g.choice_number, g.sealed`

// columns are where gateColumns are read into, in their order.
func (g *Gate) columns() []any { return []any{&g.Held, &g.Restricted, &g.Rules, &g.Number, &g.Sealed} }
