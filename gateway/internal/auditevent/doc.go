// Package auditevent writes an event of the audit log as a FHIR R4 AuditEvent, in the patterns of IHE Basic
// Audit Log Patterns (BALP). It is a pure function of the stored event: nothing is looked up, and the same
// event gives the same bytes.
//
// A resource names a BALP profile only where it keeps every rule of it, checked by our own tests, which are
// not a validator's. A refusal or failure names none: the profiles are for successes. Whatever the event says
// that no profile has a place for stands in two entities of our own types, "basis" and "disclosure".
// There is at most one entity that is a patient (DOMAIN section 8).
package auditevent
