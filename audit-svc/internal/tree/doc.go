// Package tree decides which events the Merkle tree has not taken yet. It is a pure function of what the
// last head had seen and of what the database says is finished now: no SQL, no clock.
//
// Ids do not tell: an event with a smaller id may commit after one with a larger id, so whoever remembers
// the largest id that he took loses events. Transactions tell: PostgreSQL says of each, exactly, whether
// its effects were visible at a moment (docs/decisions/0006-tree-in-postgresql.md).
package tree
