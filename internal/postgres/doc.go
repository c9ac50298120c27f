// Package postgres is how every service reaches its database: sqlx over lib/pq with the gaps closed
// that lib/pq leaves open (STACK.md), one transaction helper, statements prepared once, migrations,
// the roles of the suite, and the translation of driver errors into faults.
//
// What lib/pq would do by itself and this package does not let it:
//   - wait for ever for a frozen server, whatever the context says (wire.go, conn.go);
//   - send a statement again after the connection broke under it, although it may have happened;
//   - quote the values of a failing statement in an error, and so in a log (translate.go).
package postgres
