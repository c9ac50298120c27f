package fsck_test

import (
	"context"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/testkit"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/fsck"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/logtest"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	origin           = logtest.Origin
	stages, perStage = logtest.Stages, logtest.PerStage
	leaves, waiting  = logtest.Leaves, logtest.Waiting
)

// fixture is a log to be tampered with.
type fixture struct{ *logtest.Log }

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{logtest.New(t)}
}

func limit(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// config checks with everybody's keys.
func (f *fixture) config() fsck.Config { return fsck.Config{DB: f.Super, Trust: f.Trust} }
