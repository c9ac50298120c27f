package render

import (
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// entry is the JSON of a group: its newest member, with every source.
func entry(name section.Name, form Form, members []Item) Entry {
	head := members[0]
	e := Entry{
		ID: head.ID, Type: head.Type, Display: head.Display, Status: head.Status,
		Start: head.Start.Written, End: head.End.Written, Recorded: head.Recorded.Written,
		Author: head.Author, Value: head.Value, Criticality: head.Criticality, Verification: head.Verification,
		Reactions: head.Reactions, Contact: contact(name, head), Sources: entrySources(members),
	}
	if head.Code.Code != "" {
		code := head.Code
		e.Code = &code
	}
	for _, member := range members[1:] {
		e.AlsoIDs = append(e.AlsoIDs, member.ID)
	}
	if form.Level == Summary {
		e = shorten(name, e)
	}
	return e
}

// Flat is the JSON of one entry for the flat list, which names its section. It
// is not put together with others: a page must not depend on its neighbours.
func Flat(item Item, form Form, all []Item) Entry {
	if form.Masked {
		item = mask([]Item{item}, all)[0]
	}
	e := entry(item.Section, form, []Item{item})
	e.Section = item.Section
	return e
}

// contact is whom to call about social care and safeguarding: whom the feed
// names, else the organisation.
func contact(name section.Name, item Item) string {
	if name != section.SocialCare && name != section.Safeguarding {
		return ""
	}
	if item.Contact != "" {
		return item.Contact
	}
	return item.Source.Name
}

func entrySources(members []Item) []EntrySource {
	all := make([]EntrySource, 0, len(members))
	for _, member := range members {
		all = append(all, EntrySource{
			ODSCode: visible(member.Source), Name: member.Source.Name, FormerPractice: member.Source.Former,
			ReceivedAt: member.Received.UTC().Format(time.RFC3339),
		})
	}
	return all
}

// visible is the ODS code, empty where the source is withheld.
func visible(s Source) string {
	if s.Name == withheldPractice {
		return ""
	}
	return s.ODS
}

// assertion is the JSON of a statement that none are known, one per source.
func assertion(members []Item) []Assertion {
	var all []Assertion
	for _, member := range members {
		by := member.Source.Name
		if member.Author != "" {
			by = strings.Join([]string{by, member.Author}, ", ")
		}
		when := member.Recorded
		if when.IsZero() {
			when = member.Start
		}
		all = append(all, Assertion{By: by, ODSCode: visible(member.Source), When: when.Written, Display: member.Display})
	}
	return all
}
