// Package verify is the mathematics of the audit log, and all that an auditor outside the project needs to
// check it: how the bytes of an event become a leaf, what a checkpoint says and who signed it, how a proof
// of inclusion or of consistency is checked, what a receipt and an export hold, and when a witness
// cosigns. It is the one place where these rules are written down. It imports the standard library and
// golang.org/x/mod/sumdb, and nothing else; it reads no clock, opens no file by name and makes no call.
//
// A leaf is SHA-256 over the prefix of RFC 6962 for leaves, a random nonce and the stored bytes of the
// event. The nonce makes it useless to guess: most of an event can be guessed, and a bare hash of it
// would tell a guesser that he was right, so that tiles of hashes could not be public.
//
// Formats are those of C2SP, so that tools which this project did not write can read the log: signed-note,
// tlog-checkpoint, tlog-cosignature (cosignature/v1), tlog-tiles, tlog-witness and tlog-proof. What is
// claimed against tampering begins when a checkpoint has been witnessed: before that, whoever holds the
// database and the log's key can still write another history.
package verify
