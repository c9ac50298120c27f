package stack

import (
	"context"
	"fmt"
	"reflect"
)

// Watch waits until ctx ends, or until a process ends that nobody stopped.
func (s *Stack) Watch(ctx context.Context) error {
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}}
	for _, p := range s.processes {
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(p.Exited())})
	}
	chosen, _, _ := reflect.Select(cases)
	if chosen == 0 {
		return nil
	}
	p := s.processes[chosen-1]
	return fmt.Errorf("%s ended by itself: %w (its log: %s)%s", p.Name(), p.exitError(), p.LogFile(), p.lastLines())
}
