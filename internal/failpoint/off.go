//go:build !failpoints

package failpoint

// Hit does nothing in this build. Points are named "<schema>.<what>.<when>", e.g. "audit.append.before_commit".
func Hit(string) {}
