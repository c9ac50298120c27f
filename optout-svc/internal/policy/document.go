package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// overrideNever is the one word that is accepted for the emergency override.
const overrideNever = "never"

// document is the file as written.
type document struct {
	Version           string `yaml:"version"`
	EmergencyOverride string `yaml:"emergency_override"`
	TimeZone          string `yaml:"time_zone"`
	TimeLimits        struct {
		Effect      int `yaml:"effect_confirmed_within_days"`
		Near        int `yaml:"near_due_days"`
		Unconfirmed int `yaml:"keep_unconfirmed_days"`
	} `yaml:"time_limits"`
	Code struct {
		ValidHours struct {
			Letter int `yaml:"letter"`
			Email  int `yaml:"email"`
			Text   int `yaml:"text"`
		} `yaml:"valid_hours"`
		Attempts int `yaml:"attempts"`
		Sent     int `yaml:"sent"`
	} `yaml:"code"`
	PerReferenceHourly int `yaml:"per_reference_hourly"`
	Documents          struct {
		MaxBytes   int      `yaml:"max_bytes"`
		PerRequest int      `yaml:"per_request"`
		Types      []string `yaml:"types"`
	} `yaml:"documents"`
	Child struct {
		AskedFrom int `yaml:"asked_from"`
		Below     int `yaml:"below"`
	} `yaml:"child"`
	Evidence   map[string]itemText      `yaml:"evidence"`
	Channels   map[string]channelText   `yaml:"channels"`
	Requesters map[string]requesterText `yaml:"requesters"`
	Refusals   map[string]refusalText   `yaml:"refusals"`
}

type itemText struct {
	Title   string    `yaml:"title"`
	Carries []Carried `yaml:"carries"`
}

type needText struct {
	OneOf []string `yaml:"one_of"`
	If    string   `yaml:"if"`
}

type channelText struct {
	Code     string     `yaml:"code"`
	MayState *bool      `yaml:"officer_may_state"`
	Evidence []needText `yaml:"evidence"`
}

type requesterText struct {
	MayAsk       *bool      `yaml:"may_ask"`
	Why          string     `yaml:"why"`
	ChildrenOnly bool       `yaml:"for_children_only"`
	AdultsOnly   bool       `yaml:"for_adults_only"`
	Evidence     []needText `yaml:"evidence"`
}

// policy checks the document. All that is wrong is told at once.
func (d *document) policy() (*Policy, error) {
	p := &Policy{channels: map[request.Channel]channel{}, requesters: map[string]requester{}}
	zone, err := d.head()
	errs := []error{err, d.numbers(p), d.kinds(p), d.ways(p), d.people(p), d.used(p), d.reasons(p)}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	p.zone = zone
	return p, nil
}

// versionForm keeps versions short and printable: they stand in every decision.
func versionForm() *regexp.Regexp { return regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]{0,31}$`) }

func (d *document) head() (*time.Location, error) {
	var errs []error
	if !versionForm().MatchString(d.Version) {
		errs = append(errs, errors.New("version: up to 32 letters, digits, dots and hyphens"))
	}
	if d.EmergencyOverride != overrideNever {
		errs = append(errs, fmt.Errorf("emergency_override: only %q is accepted", overrideNever))
	}
	zone, err := time.LoadLocation(d.TimeZone)
	if err != nil || d.TimeZone == "" || d.TimeZone == "Local" {
		errs = append(errs, errors.New("time_zone: must be the name of a time zone, such as Europe/London"))
	}
	return zone, errors.Join(errs...)
}

// numbers checks and takes over all numbers. Bounds are wide: they catch slips, they are no policy.
func (d *document) numbers(p *Policy) error {
	day := 24 * time.Hour
	p.limits = Limits{
		EffectDays: d.TimeLimits.Effect, NearDays: d.TimeLimits.Near, UnconfirmedDays: d.TimeLimits.Unconfirmed,
		CodeByLetter: time.Duration(d.Code.ValidHours.Letter) * time.Hour,
		CodeByEmail:  time.Duration(d.Code.ValidHours.Email) * time.Hour,
		CodeByText:   time.Duration(d.Code.ValidHours.Text) * time.Hour,
		CodeAttempts: d.Code.Attempts, CodesSent: d.Code.Sent, PerReferenceHourly: d.PerReferenceHourly,
	}
	p.documents = Documents{MaxBytes: d.Documents.MaxBytes, PerRequest: d.Documents.PerRequest, Types: d.Documents.Types}
	p.child = Child{AskedFrom: d.Child.AskedFrom, Below: d.Child.Below}
	errs := []error{
		within("time_limits.effect_confirmed_within_days", p.limits.EffectDays, 1, 28),
		within("time_limits.near_due_days", p.limits.NearDays, 0, max(p.limits.EffectDays-1, 0)),
		within("time_limits.keep_unconfirmed_days", p.limits.UnconfirmedDays, 1, 366),
		within("code.valid_hours.letter", d.Code.ValidHours.Letter, 1, 24*366),
		within("code.valid_hours.email", d.Code.ValidHours.Email, 1, 24*366),
		within("code.valid_hours.text", d.Code.ValidHours.Text, 1, 24*366),
		within("code.attempts", d.Code.Attempts, 1, 10),
		within("code.sent", d.Code.Sent, 1, 10),
		within("per_reference_hourly", d.PerReferenceHourly, 1, 100),
		within("documents.max_bytes", d.Documents.MaxBytes, 1<<10, 32<<20),
		within("documents.per_request", d.Documents.PerRequest, 1, 100),
		within("child.asked_from", d.Child.AskedFrom, 1, max(d.Child.Below, 1)),
		within("child.below", d.Child.Below, 16, 21),
	}
	slowest := max(p.limits.CodeByLetter, p.limits.CodeByEmail, p.limits.CodeByText)
	if time.Duration(p.limits.UnconfirmedDays)*day < slowest {
		errs = append(errs, errors.New("time_limits.keep_unconfirmed_days: shorter than a code is valid"))
	}
	return errors.Join(append(errs, d.types())...)
}

func within(name string, value, least, most int) error {
	if value < least || value > most {
		return fmt.Errorf("%s: must be from %d to %d", name, least, most)
	}
	return nil
}

// types are those of documents: what the program can tell apart by content.
func (d *document) types() error {
	known := []string{"application/pdf", "image/png", "image/jpeg", "image/tiff"}
	if len(d.Documents.Types) == 0 {
		return errors.New("documents.types: none")
	}
	seen := map[string]bool{}
	for _, t := range d.Documents.Types {
		if !slices.Contains(known, t) || seen[t] {
			return fmt.Errorf("documents.types: %q is unknown or named twice", t)
		}
		seen[t] = true
	}
	return nil
}

// kinds are the kinds of evidence.
func (d *document) kinds(p *Policy) error {
	p.items = map[string]Item{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(d.Evidence)) {
		e := d.Evidence[name]
		if e.Title == "" {
			errs = append(errs, fmt.Errorf("evidence.%s: no title", name))
		}
		if len(e.Carries) == 0 || !slices.IsSorted(order(e.Carries)) || slices.Contains(order(e.Carries), -1) {
			errs = append(errs, fmt.Errorf("evidence.%s.carries: some of text, date, document, in this order", name))
		}
		p.items[name] = Item{Name: name, Title: e.Title, Carries: e.Carries}
	}
	return errors.Join(errs...)
}

// order gives the places of what is carried; -1 for what is unknown or doubled.
func order(carries []Carried) []int {
	all := []Carried{CarriesText, CarriesDate, CarriesDocument}
	var places []int
	for i, c := range carries {
		place := slices.Index(all, c)
		if slices.Index(carries, c) != i {
			place = -1
		}
		places = append(places, place)
	}
	return places
}
