package keep

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed retention.v1.yaml
var defaultPolicy []byte

const (
	// leastYears is what no policy may go below: the eight years after the last contact for which a record of
	// an adult's care is kept at least.
	leastYears = 8
	// mostYears keeps sums of dates in what a time can say.
	mostYears = 1000
	// margin covers events that occurred minutes after the time of their id.
	margin = 24 * time.Hour
)

// ErrEarly is returned for a month whose time has not come.
var ErrEarly = errors.New("the month must still be kept")

// document is the file as written. Its meaning is in retention.v1.yaml.
type document struct {
	Version     string `yaml:"version"`
	RecordYears int    `yaml:"record_years"`
	PersonYears int    `yaml:"person_years"`
	OtherYears  int    `yaml:"other_years"`
}

// Policy is a checked policy of retention. It is never changed after it was made.
type Policy struct{ doc document }

// Default is the policy that the project ships.
func Default() (*Policy, error) { return Parse(defaultPolicy) }

// Parse reads a policy. Anything in it that is unknown, missing or shorter than the record is an error.
func Parse(text []byte) (*Policy, error) {
	var p Policy
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p.doc); err != nil {
		return nil, fmt.Errorf("read retention policy: %w", err)
	}
	if err := d.Decode(new(document)); !errors.Is(err, io.EOF) {
		return nil, errors.New("read retention policy: a second document follows")
	}
	if err := p.doc.check(); err != nil {
		return nil, fmt.Errorf("retention policy: %w", err)
	}
	return &p, nil
}

// check holds the policy to DOMAIN section 8.
func (d document) check() error {
	if d.Version == "" {
		return errors.New("version is missing")
	}
	for name, years := range map[string]int{"record_years": d.RecordYears, "person_years": d.PersonYears, "other_years": d.OtherYears} {
		if years < leastYears || years > mostYears {
			return fmt.Errorf("%s must be between %d and %d", name, leastYears, mostYears)
		}
	}
	if d.PersonYears < d.RecordYears {
		return errors.New("person_years must be at least record_years: the log is kept at least as long as the record")
	}
	return nil
}

// Version of the policy, as its file says.
func (p *Policy) Version() string { return p.doc.Version }

// Due is the first instant at which a month may be deleted. AboutPeople tells whether any of its events is about a
// person; the event that is kept longest decides for the whole month.
func (p *Policy) Due(m Month, aboutPeople bool) time.Time {
	years := p.doc.OtherYears
	if aboutPeople {
		years = max(years, p.doc.PersonYears)
	}
	return m.End().AddDate(years, 0, 0).Add(margin)
}

// MayDrop tells whether a month may be deleted now: nil, or ErrEarly with the day from which it may.
func (p *Policy) MayDrop(m Month, aboutPeople bool, now time.Time) error {
	if due := p.Due(m, aboutPeople); now.Before(due) {
		return fmt.Errorf("%w: %s until %s (retention policy %s)", ErrEarly, m, due.Format(time.DateOnly), p.doc.Version)
	}
	return nil
}
