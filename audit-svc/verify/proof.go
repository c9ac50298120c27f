package verify

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// maxProof is the longest proof that is read, in hashes: trees are lower.
const maxProof = 63

var (
	// ErrInclusion is returned when a proof does not show that a leaf is in a tree at its index.
	ErrInclusion = errors.New("the proof does not show that the leaf is in the log")
	// ErrConsistency is returned when a proof does not show that one tree begins with another: if the proof
	// is the log's own, it has rewritten its history.
	ErrConsistency = errors.New("the proof does not show that the log only grew")
	// ErrFork is returned for two checkpoints that cannot both be of one log: same size, other root.
	ErrFork = errors.New("two checkpoints of the same size differ: the log shows two histories")
	// ErrRollback is returned for a log that has become smaller.
	ErrRollback = errors.New("the log is smaller than it was")
)

// CheckInclusion tells whether leaf is at index in the tree of c: nil or ErrInclusion.
func CheckInclusion(c Checkpoint, index int64, leaf tlog.Hash, proof []tlog.Hash) error {
	if index < 0 || index >= c.Size || c.Size > MaxSize || len(proof) > maxProof {
		return fmt.Errorf("%w: index %d of %d", ErrInclusion, index, c.Size)
	}
	if err := tlog.CheckRecord(proof, c.Size, c.Root, index, leaf); err != nil {
		return ErrInclusion
	}
	return nil
}

// CheckConsistency tells whether the tree of newer begins with the tree of older: nil, ErrRollback, ErrFork
// or ErrConsistency. Nothing needs to be shown of an empty tree, nor of the same one: their proof is empty.
func CheckConsistency(older, newer Checkpoint, proof []tlog.Hash) error {
	switch {
	case older.Origin != newer.Origin:
		return fmt.Errorf("%w: the checkpoints are of two logs", ErrConsistency)
	case older.Size < 0 || newer.Size > MaxSize || len(proof) > maxProof:
		return ErrConsistency
	case newer.Size < older.Size:
		return fmt.Errorf("%w: %d leaves, and %d before", ErrRollback, newer.Size, older.Size)
	case newer.Size == older.Size && newer.Root != older.Root:
		return fmt.Errorf("%w: %d leaves", ErrFork, newer.Size)
	case older.Size == 0 || newer.Size == older.Size:
		if len(proof) != 0 {
			return fmt.Errorf("%w: nothing needs to be shown", ErrConsistency)
		}
		return nil
	}
	if err := tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root); err != nil {
		return ErrConsistency
	}
	return nil
}
