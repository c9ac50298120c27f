package manifests_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestReleaseHasNoFailpoints: the programs as they are released do not know the variable that makes a
// process kill itself (internal/failpoint).
func TestReleaseHasNoFailpoints(t *testing.T) {
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	for _, process := range processes() {
		binary, err := os.ReadFile(filepath.Join(dir, process))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(binary, []byte("DCR_FAILPOINTS")) {
			t.Errorf("%s was built with failpoints", process)
		}
	}
}
