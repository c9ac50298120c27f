package app

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rich is a bundle of n resources of many types about Alice.
func rich(n int) string {
	entries := puts(aliceAtHome())
	for i := 1; i < n; i++ {
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -i).Format(time.DateOnly)
		id := fmt.Sprint(i)
		switch i % 4 {
		case 0:
			entries = append(entries, put(problem(id, "1"+id, "Problem "+id, day)))
		case 1:
			entries = append(entries, put(result(id, "2"+id, "Result "+id, day, float64(i))))
		case 2:
			entries = append(entries, put(medicine(id, "3"+id, "Medicine "+id, "active", day)))
		case 3:
			entries = append(entries, put(about("Encounter", id, resource{
				"class": resource{"code": "IMP"}, "status": "finished", "period": resource{"start": day, "end": day}, "type": []any{snomed("4"+id, "Visit "+id)},
			})))
		}
	}
	return transaction(entries...)
}

func TestLargestBundle(t *testing.T) {
	t.Parallel()
	r := startOne(t)
	for _, n := range []int{1, 200, 5000} {
		body := rich(n)
		from := time.Now()
		r.accept(t, hospital(), body)
		first := time.Since(from)
		from = time.Now()
		r.accept(t, hospital(), body)
		t.Logf("%d resources, %d bytes: first %v, again %v", n, len(body), first, time.Since(from))
	}
}

var _ = []any{rand.N[int], slices.Sort[[]int], sync.OnceFunc, cmp.Diff}
