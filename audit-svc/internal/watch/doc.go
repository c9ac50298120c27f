// Package watch decides what in the log is worth a privacy officer's look (DOMAIN section 8). Rules are data
// (rules.v1.yaml); each is a pure function of an event and of counted facts. It reaches for nothing: which
// events there are, what was counted and where findings go is the watcher's business.
package watch
