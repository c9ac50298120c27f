// Package archive writes one month of the log to a folder, and verifies such a folder without the log.
//
// The folder is an export as package verify reads it, so that "dcrctl audit verify" checks it too: the checkpoint with
// its cosignatures, the tiles on the way from the month's leaves to the root, and the events as stored, each with its
// nonce and index. A manifest beside them, written last, names the month and the SHA-256 of every file: a folder
// without it is an archive that was interrupted, and writing goes on where it stopped.
package archive
