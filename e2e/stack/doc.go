// Package stack brings the whole suite up as real processes on one machine: a private PostgreSQL,
// development certificates, the demonstration issuer, every service in as many replicas as wanted, and
// the gateway. The one-command run, the black-box tests and the load generator all start from it, so
// that what a newcomer runs is what is tested.
package stack
