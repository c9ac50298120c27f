// Package verify is the mathematics of the audit log: what an event's id says about its time, and how
// the bytes of an event become a leaf. It depends on the standard library alone, since the tools of
// auditors outside the project import it, and it is the one place where these rules are written down.
//
// A leaf is SHA-256 over the prefix of RFC 6962 for leaves, a random nonce and the stored bytes of the
// event. The nonce makes it useless to guess: most of an event can be guessed, and a bare hash of it
// would tell a guesser that he was right, so that tiles of hashes could not be public.
package verify
