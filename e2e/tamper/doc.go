// Package tamper sets a running suite's audit log back, as somebody would who owns the database, and looks who
// notices. Thousands of other ways to tamper are tried in audit-svc/internal/fsck; this one shows that in a
// running suite the pieces find each other.
package tamper
