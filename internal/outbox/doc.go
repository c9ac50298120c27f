// Package outbox carries what one service must tell another (DESIGN sections 4 and 6). A message is
// written in the same transaction as the change that it tells of, and delivered by an idempotent RPC once
// that transaction is committed: never lost, possibly twice, and in order for each key.
//
// Order per key is the order of commits: Put holds a lock on the key until its transaction ends, so the
// numbers that it gives within the key (turn) are never seen out of order. There is no order between keys.
//
// Several replicas dispatch at once. A replica claims the oldest message of a key for the length of a
// lease, on the database's clock, delivers it outside any transaction, and deletes it. A replica that dies
// in between leaves a claim that expires; one that is frozen for longer than its lease may deliver again,
// late. So receivers recognise a message that they have had, by its id, or by a number in it.
//
// A key is usually a person. Neither key nor payload is ever logged.
package outbox
