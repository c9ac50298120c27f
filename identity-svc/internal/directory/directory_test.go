package directory_test

import (
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/directory"
)

func TestAt(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	later, earlier := now.Add(time.Second), now.Add(-time.Second)
	for _, c := range []struct {
		state directory.State
		from  *time.Time
		want  directory.State
	}{
		{directory.Participating, nil, directory.Participating},
		{directory.Participating, &earlier, directory.Participating},
		{directory.Participating, &now, directory.Participating},
		{directory.Participating, &later, directory.Prospective},
		{directory.Ended, &later, directory.Ended},
		{directory.OutOfArea, nil, directory.OutOfArea},
	} {
		if got := directory.At(c.state, c.from, now); got != c.want {
			t.Errorf("state %d from %v: %d, want %d", c.state, c.from, got, c.want)
		}
	}
}

func TestCodes(t *testing.T) {
	c := directory.NewCodes()
	for _, code := range []string{"R0D", "E06000059", "J81900", "QVV"} {
		if !c.ValidODS(code) {
			t.Errorf("ODS code %s is refused", code)
		}
	}
	for _, code := range []string{"", "R", "r0d", "R 0D", "R0D\n", "ABCDEFGHIJKLMNOPQ"} {
		if c.ValidODS(code) {
			t.Errorf("%q is taken for an ODS code", code)
		}
	}
	for _, code := range []string{"R1070", directory.AdministratorRole} {
		if !c.ValidRole(code) {
			t.Errorf("role code %s is refused", code)
		}
	}
	for _, code := range []string{"", "r1070", "-R", "R1070 "} {
		if c.ValidRole(code) {
			t.Errorf("%q is taken for a role code", code)
		}
	}
}
