// Package demonstration tests what a newcomer does: the two commands of the README, on a server of one's own
// (DATABASE_URL), and each of the README's calls, pasted into a shell.
package demonstration
