package verify

import "golang.org/x/mod/sumdb/tlog"

// Builder computes the tree of a log from its leaves, in order, in memory that grows with the height of
// the tree alone. The zero value is an empty tree.
type Builder struct {
	// Full, if set, is called with each tile of hashes as soon as it is whole; the slice is its caller's
	// only until it returns.
	Full   func(t tlog.Tile, hashes []tlog.Hash) error
	size   int64
	levels [][]tlog.Hash // the unfinished tile of each level
	done   []int64       // finished tiles of each level
}

// Size is the number of leaves so far.
func (b *Builder) Size() int64 { return b.size }

// Add appends a leaf. It fails only when Full does.
func (b *Builder) Add(leaf tlog.Hash) error {
	b.size++
	return b.push(0, leaf)
}

// push adds a hash to a level, and the hash of a finished tile to the level above.
func (b *Builder) push(level int, h tlog.Hash) error {
	if level == len(b.levels) {
		b.levels, b.done = append(b.levels, make([]tlog.Hash, 0, TileWidth)), append(b.done, 0)
	}
	b.levels[level] = append(b.levels[level], h)
	if len(b.levels[level]) < TileWidth {
		return nil
	}
	if b.Full != nil {
		if err := b.Full(tlog.Tile{H: TileHeight, L: level, N: b.done[level], W: TileWidth}, b.levels[level]); err != nil {
			return err
		}
	}
	root := fold(b.levels[level])
	b.levels[level] = b.levels[level][:0]
	b.done[level]++
	return b.push(level+1, root)
}

// Partial are the unfinished tiles at the right edge, from the leaves up: with those that Full was given,
// the whole tree.
func (b *Builder) Partial(yield func(t tlog.Tile, hashes []tlog.Hash) bool) {
	for level, hashes := range b.levels {
		if len(hashes) > 0 && !yield(tlog.Tile{H: TileHeight, L: level, N: b.done[level], W: len(hashes)}, hashes) {
			return
		}
	}
}

// Root of the tree so far (RFC 6962 section 2.1).
func (b *Builder) Root() tlog.Hash {
	if b.size == 0 {
		return emptyRoot()
	}
	// Perfect trees side by side, the smallest on the right; each joins what is on its right.
	var root tlog.Hash
	first := true
	for _, hashes := range b.levels {
		for end := len(hashes); end > 0; {
			width := end & -end
			h := fold(hashes[end-width : end])
			if first {
				root, first = h, false
			} else {
				root = tlog.NodeHash(h, root)
			}
			end -= width
		}
	}
	return root
}

// fold is the root over a power of two of hashes.
func fold(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(fold(hashes[:half]), fold(hashes[half:]))
}
