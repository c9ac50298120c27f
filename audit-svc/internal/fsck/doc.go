// Package fsck recomputes the whole log from the database and names the first place where something does not
// fit: stored bytes against the columns beside them, leaves against bytes and nonces, leaf indexes both ways,
// tiles and heads against leaves, signatures of checkpoints and cosignatures.
//
// It shares the rules of package verify with what it checks, and none of the code that wrote the log: its SQL
// is its own. Everything is read in one snapshot, so that it runs beside a log that grows; it changes nothing,
// and its memory does not grow with the log.
//
// What it cannot know is what the database never held: a whole history that was replaced by another, newly
// hashed and signed with the log's own key, fits. That is what witnesses are for, and why Against exists.
package fsck
