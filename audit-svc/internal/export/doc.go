// Package export writes events of the log into a folder that anybody can check with the log's public key alone
// (audit-svc/verify, "dcrctl audit verify"): the checkpoint, the events as they were stored, and the tiles that
// tie them to it. Everything is read in one snapshot, beside a running service. Each event is checked against
// the tree while it is written, so that an export that was written is one that holds.
//
// The folder is about people. It is made for its owner's eyes alone, and under another name until it is whole.
package export
