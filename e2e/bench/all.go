package bench

import (
	"context"
	"fmt"
	"io"
	"time"
)

// rounds of each case; the median counts.
const rounds = 3

// All measures everything and prints tables. length is of one round of one case.
func (s *Suite) All(ctx context.Context, out io.Writer, length time.Duration) error {
	measure := func(title, unit string, cases []Case, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", title, err)
		}
		results, err := Run(ctx, cases, rounds, length)
		if err != nil {
			return fmt.Errorf("%s: %w", title, err)
		}
		Table(out, title, unit, results)
		return nil
	}
	for _, size := range []struct {
		entries int
		numbers []string
	}{{smallSize, s.small}, {largeSize, s.large}} {
		for _, connections := range []int{1, 8, 32} {
			cases, err := s.views(ctx, size.numbers, connections)
			if err := measure(fmt.Sprintf("(a) The whole view of %d entries at %d connections", size.entries, connections), "views", cases, err); err != nil {
				return err
			}
		}
	}
	cases, err := s.facts(ctx, 8)
	if err := measure("(b) Access facts at 8 callers", "answers", cases, err); err != nil {
		return err
	}
	for _, writers := range []int{1, 64} {
		cases, err := s.appends(ctx, writers)
		if err := measure(fmt.Sprintf("(c) Audit appends at %d writers", writers), "events", cases, err); err != nil {
			return err
		}
	}
	cases, err = s.ingest(ctx)
	if err := measure("(d) Ingest", "resources", cases, err); err != nil {
		return err
	}
	return measure("(e) The price of privacy: 100 entries at 8 connections", "views", s.price(8), nil)
}
