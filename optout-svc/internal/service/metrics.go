package service

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"
)

// Watch has gauges show how many requests are open, close to their date and past it, and how many choices
// record-svc has not confirmed. They show the shared tables, so every replica reports the same. The function that
// it gives ends that.
func (s *Service) Watch(provider metric.MeterProvider) (stop func() error, err error) {
	meter := provider.Meter("github.com/dorsetcarerecord/dcr/optout-svc/internal/service")
	open, errOpen := meter.Int64ObservableGauge("dcr.optout.requests.open", metric.WithDescription("Requests that have neither taken effect nor ended."))
	near, errNear := meter.Int64ObservableGauge("dcr.optout.requests.near_due", metric.WithDescription("Of those, the ones close to their date or past it."))
	overdue, errOverdue := meter.Int64ObservableGauge("dcr.optout.requests.overdue", metric.WithDescription("Of those, the ones past their date. Anything but 0 breaks a promise to somebody."))
	unsealed, errUnsealed := meter.Int64ObservableGauge("dcr.optout.choices.unconfirmed", metric.WithDescription("Choices in force that record-svc has not confirmed. The gateway follows them already."))
	if err := errors.Join(errOpen, errNear, errOverdue, errUnsealed); err != nil {
		return nil, fmt.Errorf("make gauges: %w", err)
	}
	c := s.core
	registration, err := meter.RegisterCallback(func(ctx context.Context, to metric.Observer) error {
		now := c.moment()
		count, err := c.store.OpenNow(ctx, c.deadlines().NearBefore(now), c.deadlines().OverdueBefore(now))
		if err != nil {
			return err
		}
		left, err := c.store.UnconfirmedChoices(ctx)
		if err != nil {
			return err
		}
		to.ObserveInt64(open, int64(count.All))
		to.ObserveInt64(near, int64(count.NearDue))
		to.ObserveInt64(overdue, int64(count.Overdue))
		to.ObserveInt64(unsealed, left)
		return nil
	}, open, near, overdue, unsealed)
	if err != nil {
		return nil, fmt.Errorf("register gauges: %w", err)
	}
	return registration.Unregister, nil
}
