// Package idempotency makes a mutation with the same request_id the same mutation, with the same answer
// (AIP-155). It matters more than comfort: of seven writes whose outcome a failover left unknown, six had
// been committed (STACK.md), so every caller that saw an error must be able to ask again.
//
// What is remembered is written in the transaction of the change itself, so the two are there together or
// not at all. A refusal is not remembered: its transaction is rolled back, and the same request is
// judged anew.
package idempotency
