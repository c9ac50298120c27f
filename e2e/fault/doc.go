// Package fault holds the tests that break things: real processes, two replicas of each service, a real and
// durable PostgreSQL, and a load of views and changes while something is killed, frozen, slow or restarted.
// What they watch are the promises of docs/design: no audit, no data; an opt-out is immediate; a feed may be
// sent twice; any replica may die at any time; a rolling restart fails no request.
//
// One suite is brought up for all of them; each part first heals what the part before broke. DCR_SOAK=1 runs
// the same code for longer.
package fault
