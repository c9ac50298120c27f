package accesshistory

import (
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// Asked is what the history is to be of.
type Asked struct {
	// NHSNumber of the person.
	NHSNumber nhsnumber.Number
	// From and To bound the time; From is zero for the beginning of the record. To is always given.
	From, To time.Time
	// MadeAt is when the events were read.
	MadeAt time.Time
	// Zone of the person's clock.
	Zone *time.Location
	// Withhold are the ids of members of staff whose name is not told.
	Withhold []string
	// LeaveOut are the ids of events that are not told at all.
	LeaveOut []string
	// Organisations are names by ODS code, for events that name none themselves.
	Organisations map[string]string
	// Profession of a role code, for events that name none themselves.
	Profession func(roleCode string) string
}

const (
	dateForm = time.DateOnly
	dayForm  = "Monday 2 January 2006"
	longForm = "2 January 2006"
	timeForm = "15:04"
)

// Tells tells whether an event is told at all.
func (w *Words) Tells(e *auditv1.Event, leaveOut []string) bool {
	return !w.action(e.GetAction()).Hidden && !slices.Contains(leaveOut, e.GetId())
}

// History tells the events, which are about one person. Their order does not matter.
func (w *Words) History(events []*auditv1.Event, asked Asked) *gatewayv1.AccessHistory {
	looks := w.group(events, asked)
	h := &gatewayv1.AccessHistory{
		Title:        w.Title,
		NhsNumber:    asked.NHSNumber.Grouped(),
		Period:       w.period(asked),
		To:           timestamppb.New(asked.To),
		MadeAt:       timestamppb.New(asked.MadeAt),
		Introduction: w.Introduction,
		Summary:      w.summary(looks),
		Notes:        w.Notes,
		WordsVersion: w.Version,
	}
	if !asked.From.IsZero() {
		h.From = timestamppb.New(asked.From)
	}
	for _, l := range looks {
		day := l.last.In(asked.Zone)
		if n := len(h.Days); n == 0 || h.Days[n-1].GetDate() != day.Format(dateForm) {
			h.Days = append(h.Days, &gatewayv1.AccessDay{Date: day.Format(dateForm), Title: day.Format(dayForm)})
		}
		h.Days[len(h.Days)-1].Looks = append(h.Days[len(h.Days)-1].Looks, w.tell(l, asked))
	}
	return h
}

// period in words. It ends with the last day that it has a part of.
func (w *Words) period(asked Asked) string {
	from := w.Phrases["beginning"]
	if !asked.From.IsZero() {
		from = asked.From.In(asked.Zone).Format(longForm)
	}
	return w.say("period", from, asked.To.Add(-time.Nanosecond).In(asked.Zone).Format(longForm))
}

// summary counts: who was shown something, what was refused, and what came in.
func (w *Words) summary(looks []*look) []string {
	people, organisations := map[string]bool{}, map[string]bool{}
	refused, received := 0, 0
	for _, l := range looks {
		switch l.kind {
		case gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_SEEN:
			people[actorKey(l.one())], organisations[l.one().GetActor().GetOdsCode()] = true, true
		case gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_REFUSED:
			refused += len(l.events)
		case gatewayv1.AccessLookKind_ACCESS_LOOK_KIND_RECEIVED:
			received += len(l.events)
		}
	}
	if len(looks) == 0 {
		return []string{w.Phrases["nothing"]}
	}
	var all []string
	all = w.counted(all, len(people), "seen_by", strconv.Itoa(len(organisations)))
	all = w.counted(all, refused, "refused")
	return w.counted(all, received, "received")
}

// counted adds a sentence with a number in it: none for 0, its own words for 1.
func (w *Words) counted(to []string, n int, phrase string, with ...string) []string {
	switch n {
	case 0:
		return to
	case 1:
		return append(to, w.Phrases[phrase+"_one"])
	default:
		return append(to, w.say(phrase, append([]string{strconv.Itoa(n)}, with...)...))
	}
}
