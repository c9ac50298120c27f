package ingest

import (
	"context"
	"fmt"
	"sort"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/person"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// Merged is a person as all feeds together describe them.
type Merged struct {
	Demographics person.Demographics
	Gender       string
	Deceased     bool
	DeceasedOn   string // YYYY-MM-DD, or as much as is known
	AddressLines []string
	Postcode     string
	Telephones   []string
	// Mobiles can take a text message; Emails a letter. Neither is ever shown.
	Mobiles, Emails []string
	// GPODSCode and GPName of the practice of registration; empty when no feed names one.
	GPODSCode, GPName string
	Restricted        bool
}

// patient is the current Patient of one sender.
type patient struct {
	*fhir.Resource
	// gp as it was found at its ingest, where references could be resolved.
	gp section.GP
}

// merge puts the Patient resources of all senders together, newest first: names, address and contacts as
// the newest has them, the practice as the newest that names one. A death and a restriction count whoever
// says so: to believe them wrongly is the smaller harm.
func merge(newestFirst []patient) Merged {
	var m Merged
	for i, r := range newestFirst {
		if i == 0 {
			m.describe(r.Resource)
		}
		if m.GPODSCode == "" {
			m.GPODSCode, m.GPName = r.gp.ODS, r.gp.Name
		}
		if r.DeceasedBoolean.True() || !r.DeceasedDateTime.IsZero() {
			m.Deceased = true
		}
		if m.DeceasedOn == "" {
			m.DeceasedOn = r.DeceasedDateTime.Day()
		}
		m.Restricted = m.Restricted || r.Meta.Restricted()
	}
	return m
}

func (m *Merged) describe(r *fhir.Resource) {
	m.Demographics = person.Of(r)
	m.Gender = string(r.Gender)
	address := home(r.Address)
	for _, line := range append(append(fhir.List[fhir.Text]{}, address.Line...), address.City, address.District) {
		if line != "" {
			m.AddressLines = append(m.AddressLines, string(line))
		}
	}
	m.Postcode = string(address.PostalCode)
	for _, t := range r.Telecom {
		if t.System == "phone" && t.Value != "" {
			m.Telephones = append(m.Telephones, string(t.Value))
		}
	}
	m.Mobiles, m.Emails = contacts(r.Telecom)
}

// home is the address in use at home, else the first that is in use.
func home(all fhir.List[fhir.Address]) fhir.Address {
	var found fhir.Address
	for i, a := range all {
		if a.Use == "old" || !a.Period.End.IsZero() {
			continue
		}
		if a.Use == "home" {
			return a
		}
		if i == 0 || found.Use == "" && len(found.Line) == 0 {
			found = a
		}
	}
	return found
}

// mergePatient reads the current Patient of every sender, the one of this bundle from the bundle, and takes
// the merged person over.
func (w *work) mergePatient(ctx context.Context, p *planned) error {
	var ids []string
	for id, e := range w.entries {
		if e.Type == "Patient" && e.State == store.Shown {
			ids = append(ids, id)
		}
	}
	sort.Slice(ids, func(i, j int) bool {
		a, b := w.entries[ids[i]], w.entries[ids[j]]
		if !a.OrderedAt.Equal(b.OrderedAt) {
			return a.OrderedAt.After(b.OrderedAt)
		}
		return a.ID > b.ID
	})
	if len(ids) == 0 {
		return nil // every Patient was deleted: what is known of the person stays
	}
	raws, err := w.Store.Current(ctx, w.tx, w.settled.NHSNumber, ids)
	if err != nil {
		return err
	}
	for _, v := range p.versions {
		if e := w.entries[v.EntryID]; e.Type == "Patient" && e.Version == v.Number && v.Raw != nil {
			raws[e.ID] = []byte(*v.Raw)
		}
	}
	var newestFirst []patient
	for _, id := range ids {
		r, err := fhir.Decode(raws[id])
		if err != nil {
			return fmt.Errorf("read stored Patient: %w", err)
		}
		content, _, err := w.entries[id].Computed()
		if err != nil {
			return err
		}
		newestFirst = append(newestFirst, patient{Resource: r, gp: content.GP})
	}
	m := merge(newestFirst)
	before := person.Demographics{Family: w.person.FamilyName, BirthDate: w.person.BirthDate}
	w.facts.Person = &m
	w.person.FamilyName, w.person.BirthDate = m.Demographics.Family, m.Demographics.BirthDate
	w.person.GivenName = ""
	if len(m.Demographics.Given) > 0 {
		w.person.GivenName = m.Demographics.Given[0]
	}
	w.person.GPODSCode, w.person.Restricted, w.person.Postcode = m.GPODSCode, m.Restricted, m.Postcode
	w.hold(before, m.Demographics)
	return nil
}

// hold closes the record of somebody whose name and birth date became known only now: until then nobody could
// tell whether a waiting request to opt out means them. A new person is held from the start. One who was known
// and is called otherwise now is not: a marriage must not close a record while optout-svc is down.
func (w *work) hold(before, after person.Demographics) {
	if !before.Identified() && after.Identified() {
		w.person.Held = true
	}
}
