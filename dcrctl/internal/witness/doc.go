// Package witness remembers the last checkpoint of each log that it watches, and cosigns the next one when
// the log only grew since: the service of C2SP tlog-witness, to be run by anybody whom the log's operator
// does not control. What it decides is in audit-svc/verify; here are its memory, its voice and its door.
//
// It forgets nothing: a checkpoint is on disk before its cosignature leaves, one process alone may use a
// memory, and a memory that is missing is not made anew by itself, since a witness that forgot would sign
// the other branch of a fork.
package witness
