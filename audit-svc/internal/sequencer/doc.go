// Package sequencer gives events their place in the Merkle tree and signs the tree's heads. Any number of
// replicas run it; the database elects one, and takes the office away from a session that is silent for
// seconds. Election is for speed alone: what keeps two sequencers from making two trees is the fence in the
// database's keys, since a process that was frozen wakes up believing that it still leads.
//
// A term of office reads the newest head and the right edge of the tree, and refuses to go on from an edge
// that does not hash to its head. Then, round by round: which transactions finished since (package tree),
// their events without a leaf, leaves and head in one transaction, and about once a second a signature.
// Between rounds with nothing to do it sweeps over all events for one that was missed.
package sequencer
