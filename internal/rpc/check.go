package rpc

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc"
)

// Check refuses a server whose caller list and registered services differ in
// either direction, that has a service nobody may call, a stream, or a
// validation rule that does not compile. Serve calls it; check-config may too.
func (s *Server) Check() error {
	registered := s.grpc.GetServiceInfo()
	for name := range registered {
		if isHealth("/" + name) {
			delete(registered, name)
		}
	}
	err := errors.Join(checkCallers(s.cfg.Callers, registered), checkUnary(registered))
	if err != nil {
		return fmt.Errorf("check rpc server %s: %w", s.cfg.Name, err)
	}
	names := slices.Sorted(maps.Keys(registered))
	if s.validator, err = newValidator(names); err != nil {
		return fmt.Errorf("check rpc server %s: %w", s.cfg.Name, err)
	}
	return nil
}

func checkCallers(callers map[string][]string, registered map[string]grpc.ServiceInfo) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(callers)) {
		if _, ok := registered[name]; !ok {
			errs = append(errs, fmt.Errorf("the caller list names %s, which is not registered", name))
		}
		if len(callers[name]) == 0 || slices.Contains(callers[name], "") {
			errs = append(errs, fmt.Errorf("the caller list of %s is empty or has an empty name", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		if _, ok := callers[name]; !ok {
			errs = append(errs, fmt.Errorf("%s is registered and has no caller list", name))
		}
	}
	return errors.Join(errs...)
}

func checkUnary(registered map[string]grpc.ServiceInfo) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(registered)) {
		for _, m := range registered[name].Methods {
			if m.IsClientStream || m.IsServerStream {
				errs = append(errs, fmt.Errorf("%s/%s is a stream", name, m.Name))
			}
		}
	}
	return errors.Join(errs...)
}
