package service

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// TestTurns: two at once, one waits, the next is refused at once; who waits too long or goes away takes no place.
func TestTurns(t *testing.T) {
	t.Parallel()
	turns := newTurns(2, 1, time.Hour)
	first, err1 := turns.take(t.Context())
	second, err2 := turns.take(t.Context())
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	got := make(chan error, 1)
	go func() {
		leave, err := turns.take(t.Context())
		if err == nil {
			leave()
		}
		got <- err
	}()
	for len(turns.waiting) < 3 {
		time.Sleep(time.Millisecond)
	}
	if _, err := turns.take(t.Context()); fault.ReasonOf(fault.Status(err).Err()) != "LOG_BUSY" {
		t.Errorf("a fourth: %v", err)
	}
	first()
	if err := <-got; err != nil {
		t.Errorf("who waited: %v", err)
	}
	third, err := turns.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.take(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who went away: %v", err)
	}
	turns.patience = time.Millisecond
	if _, err := turns.take(t.Context()); fault.ReasonOf(fault.Status(err).Err()) != "LOG_BUSY" {
		t.Errorf("who waited too long: %v", err)
	}
	second()
	third()
	if len(turns.places)+len(turns.waiting) != 0 {
		t.Errorf("%d places and %d waiting are left", len(turns.places), len(turns.waiting))
	}
}
