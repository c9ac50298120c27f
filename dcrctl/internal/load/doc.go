// Package load imports a folder of bundles: the bundles of several people side by side, those of one person one
// after the other. Whatever happens, what was taken is in the journal, and the same import goes on from there.
package load
