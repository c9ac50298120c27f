package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
)

// demonstrationSeed gives everybody the same county, so that documents can speak of it.
const demonstrationSeed = 2018

// made remembers which county a folder holds, so that the next run finds its data again.
type made struct {
	Seed   uint64    `json:"seed"`
	On     time.Time `json:"made_on"`
	Loaded bool      `json:"loaded"`
}

// Demonstration brings the suite up with the demonstration county and writes stack.json. A folder that
// an earlier run filled is used as it is.
func Demonstration(ctx context.Context, cfg Config, now time.Time) (*Stack, *Manifest, error) {
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, nil, err
	}
	mark, err := readMade(cfg.Dir)
	if errors.Is(err, os.ErrNotExist) {
		mark = &made{Seed: demonstrationSeed, On: now.UTC().Truncate(time.Second)}
		err = mark.write(cfg.Dir)
	}
	if err != nil {
		return nil, nil, err
	}
	cfg.County = county.New(mark.Seed, mark.On)
	s, err := Start(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	m, err := s.load(ctx, mark)
	if err != nil {
		return nil, nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, m, nil
}

// load fills the suite unless an earlier run did.
func (s *Stack) load(ctx context.Context, mark *made) (*Manifest, error) {
	if mark.Loaded {
		s.say("the county of %s is there already (make clean forgets it)", mark.On.Format("2 January 2006"))
	} else {
		if err := s.Seed(ctx); err != nil {
			return nil, err
		}
		mark.Loaded = true
		if err := mark.write(s.cfg.Dir); err != nil {
			return nil, err
		}
	}
	s.say("tokens and care relationships")
	return s.WriteManifest(ctx)
}

func madeFile(dir string) string { return filepath.Join(dir, "county.json") }

func readMade(dir string) (*made, error) {
	text, err := os.ReadFile(madeFile(dir))
	if err != nil {
		return nil, err
	}
	m := &made{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("%s is damaged (make clean starts afresh): %w", madeFile(dir), err)
	}
	return m, nil
}

func (m *made) write(dir string) error { return writePrivate(madeFile(dir), m) }

// Clean removes what runs made: the folder, and in the database of databaseURL, if one is named and it
// carries the demonstration's mark, the suite's schemas.
func Clean(ctx context.Context, dir, databaseURL string) (database bool, err error) {
	if databaseURL != "" {
		if database, err = forget(ctx, databaseURL); err != nil {
			return false, err
		}
	}
	return database, os.RemoveAll(dir)
}
