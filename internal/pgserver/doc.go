// Package pgserver runs a private PostgreSQL server of our own: for the one-command stack (DESIGN
// section 8) and for tests. It finds the binaries that the machine has, makes a data directory,
// starts the server on loopback with a password, and takes care that the server never outlives the
// process that started it.
//
// PostgreSQL refuses to run as root, so a root caller drops to an unprivileged user; an ordinary
// user needs no rights at all. Production services never import this package: they are given a URL.
package pgserver
