// Package casework is the life of a case that watching opened: which steps there are, from which state each may
// be made, who may make it, and what must be said with it. The whole of it is the table in life.go, of which
// docs/case-life.md is printed and which the tests walk. Pure functions: no SQL, no gRPC, no clock of its own.
package casework
