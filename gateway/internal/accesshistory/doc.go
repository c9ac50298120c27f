// Package accesshistory says in words for a citizen who has used their record: who, in which role, for which
// organisation, when, which parts, and why. It is a pure function of audit events; every word comes from one
// file (words.v1.yaml).
//
// What is never told, whatever the events say: network addresses, sessions, accounts and other ids of staff,
// free text that staff wrote, marks, versions, and whether there is safeguarding information. What a privacy
// officer may keep back in one case is a name, or an event as a whole. Both are written down in docs/audit.md.
package accesshistory
