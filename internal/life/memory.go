package life

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how much the heap may grow between two collections, in percent of what is alive. Our
// processes keep little alive (some 10 MB) and allocate what calls need, a whole record at a time: at Go's
// default of 100 they would collect after every few views.
const heapGrowth = 400

// tuneMemory sets it, unless the operator has said otherwise with GOGC. GOMEMLIMIT, which operators set below
// the container's limit, bounds the heap in any case.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
