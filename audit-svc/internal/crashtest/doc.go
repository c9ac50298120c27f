// Package crashtest holds tests alone: replicas of audit-svc as real processes, built with failpoints, are
// killed and frozen at every named step of append, sequence, sign and publish, under load and beside a
// witness. What was acknowledged must be there, once, and the tree must be one.
package crashtest
