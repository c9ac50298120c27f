package auditevent

import (
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// Names of the search parameters of FHIR R4 that are served.
const (
	ParamPatient = "patient.identifier"
	ParamAgent   = "agent.identifier"
	ParamDate    = "date"
	ParamOutcome = "outcome"
	ParamType    = "type"
	ParamSubtype = "subtype"
)

// Reasons of a search that cannot be made.
const (
	reasonArgument  = "INVALID_ARGUMENT"
	reasonNHSNumber = "INVALID_NHS_NUMBER"
)

// Params are the names of all search parameters.
func Params() []string {
	return []string{ParamPatient, ParamAgent, ParamDate, ParamOutcome, ParamType, ParamSubtype}
}

// Search is what a search asks for.
type Search struct {
	// Filter of the events.
	Filter *auditv1.EventFilter
	// Nothing is true for what is well asked and never recorded here: no event can match.
	Nothing bool
}

// ParseSearch reads the parameters of a search; days are those of zone. What is not served was refused before:
// here each parameter is one that Params names. Errors: INVALID_NHS_NUMBER and INVALID_ARGUMENT, naming the
// parameter.
func ParseSearch(params url.Values, zone *time.Location) (Search, error) {
	s := Search{Filter: &auditv1.EventFilter{}}
	for _, read := range []func(*Search, url.Values) error{patientParam, agentParam, outcomeParam, typeParam, subtypeParam} {
		if err := read(&s, params); err != nil {
			return Search{}, err
		}
	}
	for _, date := range params[ParamDate] {
		if err := s.date(date, zone); err != nil {
			return Search{}, err
		}
	}
	if f := s.Filter; f.GetFrom() != nil && f.GetTo() != nil && !f.GetFrom().AsTime().Before(f.GetTo().AsTime()) {
		return Search{}, wrong(ParamDate, "must have its upper bound after its lower one")
	}
	return s, nil
}

func wrong(param, text string) error { return fault.Invalid(reasonArgument, param, text) }

// token splits system|code; the system is empty where none was given.
func token(v string) (system, code string) {
	if before, after, found := strings.Cut(v, "|"); found {
		return before, after
	}
	return "", v
}

func patientParam(s *Search, params url.Values) error {
	v := params.Get(ParamPatient)
	if v == "" {
		return nil
	}
	system, value := token(v)
	if system != "" && system != SystemNHSNumber {
		return wrong(ParamPatient, "must be an NHS number")
	}
	number, err := nhsnumber.Parse(value)
	if err != nil {
		return fault.Invalid(reasonNHSNumber, ParamPatient, err.Error())
	}
	s.Filter.NhsNumber = string(number)
	return nil
}

func agentParam(s *Search, params url.Values) error {
	v := params.Get(ParamAgent)
	if v == "" {
		return nil
	}
	switch system, value := token(v); {
	case value == "" || len(value) > 64:
	case system == "" || system == SystemStaff:
		s.Filter.StaffId = value
		return nil
	case system == SystemODS && len(value) <= 16:
		s.Filter.OdsCode = strings.ToUpper(value)
		return nil
	}
	return wrong(ParamAgent, "must be the id of a member of staff, or "+SystemODS+"| and a code")
}

func outcomeParam(s *Search, params url.Values) error {
	v := params.Get(ParamOutcome)
	if v == "" {
		return nil
	}
	for _, one := range strings.Split(v, ",") {
		switch _, code := token(one); code {
		case outcomeSuccess:
			s.Filter.Outcomes = append(s.Filter.Outcomes, auditv1.Outcome_OUTCOME_RELEASED, auditv1.Outcome_OUTCOME_CHANGED)
		case outcomeRefused:
			s.Filter.Outcomes = append(s.Filter.Outcomes, auditv1.Outcome_OUTCOME_REFUSED)
		case outcomeFailed:
			s.Filter.Outcomes = append(s.Filter.Outcomes, auditv1.Outcome_OUTCOME_FAILED)
		case "12": // a major failure: the log itself cannot say that it was not there
		default:
			return wrong(ParamOutcome, "must be 0, 4, 8 or 12, or several with commas between")
		}
	}
	s.Nothing = s.Nothing || len(s.Filter.GetOutcomes()) == 0
	if len(s.Filter.GetOutcomes()) > 4 {
		return wrong(ParamOutcome, "must name each outcome once")
	}
	return nil
}

func typeParam(s *Search, params url.Values) error {
	v := params.Get(ParamType)
	if v == "" {
		return nil
	}
	switch system, code := token(v); {
	case code == "rest" && (system == "" || system == systemEventType):
		s.Filter.ExceptActions = []string{actionBegin, actionRefused}
	case code == "110114" && (system == "" || system == systemDICOM):
		s.Filter.Actions = []string{actionBegin, actionRefused}
	default:
		s.Nothing = true
	}
	return nil
}

func subtypeParam(s *Search, params url.Values) error {
	v := params.Get(ParamSubtype)
	if v == "" {
		return nil
	}
	system, code := token(v)
	if (system != "" && system != SystemAction) || code == "" || len(code) > 64 {
		return wrong(ParamSubtype, "must be an action of ours, such as record.view")
	}
	s.Filter.Action = code
	return nil
}

// date adds a bound, or both for a date without a prefix.
func (s *Search) date(v string, zone *time.Location) error {
	prefix, rest := "eq", v
	if len(v) > 2 && v[0] >= 'a' && v[0] <= 'z' {
		prefix, rest = v[:2], v[2:]
	}
	low, high, ok := span(rest, zone)
	if !ok {
		return wrong(ParamDate, "must be a date, or a time with its zone, as FHIR writes them")
	}
	var from, to time.Time
	switch prefix {
	case "eq":
		from, to = low, high
	case "ge":
		from = low
	case "gt":
		from = high
	case "le":
		to = high
	case "lt":
		to = low
	default:
		return wrong(ParamDate, "may have one of the prefixes eq, ge, gt, le and lt")
	}
	if (!from.IsZero() && s.Filter.GetFrom() != nil) || (!to.IsZero() && s.Filter.GetTo() != nil) {
		return wrong(ParamDate, "must be one lower and one upper bound at most")
	}
	if !from.IsZero() {
		s.Filter.From = timestamppb.New(from)
	}
	if !to.IsZero() {
		s.Filter.To = timestamppb.New(to)
	}
	return nil
}

// span is the time that a date of FHIR means, as precise as it is written: a year, a month, a day, a minute, a
// second, or a millisecond.
func span(v string, zone *time.Location) (low, high time.Time, ok bool) {
	for layout, next := range map[string]func(time.Time) time.Time{
		"2006":       func(t time.Time) time.Time { return t.AddDate(1, 0, 0) },
		"2006-01":    func(t time.Time) time.Time { return t.AddDate(0, 1, 0) },
		"2006-01-02": func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
		"2006-01-02T15:04Z07:00": func(t time.Time) time.Time {
			return t.Add(time.Minute)
		},
	} {
		if t, err := time.ParseInLocation(layout, v, zone); err == nil {
			return t, next(t), true
		}
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		return time.Time{}, time.Time{}, false
	}
	step := time.Second
	if t.Nanosecond() != 0 || strings.Contains(v, ".") {
		step = time.Millisecond
	}
	return t, t.Add(step), true
}
