package watcher

import (
	"context"
	"fmt"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/watch"
)

const (
	// settled is how long after its end a day is counted. Opens are appended before they are answered, under ids
	// that are at most event.MaxSkew off; nothing of the day comes after that.
	settled = 3 * event.MaxSkew
	// readOpens are read from a day at once.
	readOpens = 5000
)

// CountDays counts how many people each member saw on each day that is over and was not counted yet, as far back
// as volumes are compared. It is what later days are held against.
func (w *Watcher) CountDays(ctx context.Context) error {
	window := w.cfg.Rules.WindowDays()
	if window == 0 {
		return nil
	}
	day, ok, err := w.firstUncounted(ctx, window)
	for ; err == nil && ok && !w.cfg.Now().Before(day.To.Add(settled)); day = w.cfg.Rules.Before(day, -1) {
		err = w.countDay(ctx, day)
	}
	return err
}

// firstUncounted is the day with which counting goes on; false when the log is empty.
func (w *Watcher) firstUncounted(ctx context.Context, window int) (watch.Day, bool, error) {
	first, ok, err := w.resume(ctx)
	if err != nil || !ok {
		return first, false, err
	}
	if earliest := w.cfg.Rules.Before(w.cfg.Rules.DayAt(w.cfg.Now()), window); first.From.Before(earliest.From) {
		first = earliest
	}
	return first, true, nil
}

// resume is the day after the last that was counted, else that of the first event.
func (w *Watcher) resume(ctx context.Context) (watch.Day, bool, error) {
	last, err := w.cfg.Cases.LastDay(ctx, nil)
	if err != nil {
		return watch.Day{}, false, err
	}
	if last != "" {
		next, err := w.dayAfter(last)
		return next, true, err
	}
	id, err := w.cfg.Cases.FirstEvent(ctx)
	if err != nil || id == "" {
		return watch.Day{}, false, err
	}
	first, err := w.cfg.Rules.DayOf(id)
	return first, true, err
}

func (w *Watcher) dayAfter(name string) (watch.Day, error) {
	noon, err := time.Parse(time.DateOnly+" 15:04", name+" 12:00")
	if err != nil {
		return watch.Day{}, fmt.Errorf("read day: %w", err)
	}
	return w.cfg.Rules.Before(w.cfg.Rules.DayAt(noon), -1), nil
}

// countDay counts one day, and stores it unless another replica did.
func (w *Watcher) countDay(ctx context.Context, day watch.Day) error {
	type member struct{ ods, role, staff string }
	people := map[member]map[string]bool{}
	after := ""
	for {
		opens, err := w.cfg.Cases.OpensOf(ctx, w.opens(day), after, readOpens)
		if err != nil {
			return err
		}
		for _, o := range opens {
			e, err := event.Decode(o.Body)
			if err != nil {
				continue // Judge said so already
			}
			a := e.GetActor()
			m := member{a.GetOdsCode(), a.GetRoleCode(), a.GetStaffId()}
			if people[m] == nil {
				people[m] = map[string]bool{}
			}
			people[m][e.GetNhsNumber()] = true
		}
		if len(opens) < readOpens {
			break
		}
		after = opens[len(opens)-1].ID
	}
	var tallies []store.Tally
	for m, seen := range people {
		tallies = append(tallies, store.Tally{ODSCode: m.ods, RoleCode: m.role, StaffID: m.staff, People: len(seen)})
	}
	_, err := w.cfg.Cases.AddDay(ctx, day.Name, tallies, w.cfg.Now())
	return err
}
