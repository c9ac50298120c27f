package bundle

import (
	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
)

// Stored is a resource that this sender sent before.
type Stored struct {
	// NHSNumber of the person to whom it belongs.
	NHSNumber nhsnumber.Number
	// Deleted is true while a tombstone hides it.
	Deleted bool
}

// Unmatched is a reference that points to nothing known. It is kept and reported.
type Unmatched struct {
	Index int
	// Expression says where.
	Expression string
	// Reference as sent. For the sender's eyes: it may name a person.
	Reference string
}

// Settled is a bundle of which it is known whom it is about.
type Settled struct {
	*Bundle
	NHSNumber nhsnumber.Number
	Unmatched []Unmatched
}

// Wanted lists the resources of this sender that Settle has to know, each once:
// those of the changes themselves, and those that references point to outside of
// the bundle. For these, all persons are looked through.
func (b *Bundle) Wanted() []Key {
	var wanted []Key
	seen := make(map[Key]struct{})
	want := func(key Key) {
		if _, ok := seen[key]; !ok {
			seen[key] = struct{}{}
			wanted = append(wanted, key)
		}
	}
	for i := range b.Changes {
		want(b.Changes[i].Key)
	}
	b.outside(func(_ *Change, _, reference string) {
		if key, ok := Relative(reference); ok {
			want(key)
		}
	})
	return wanted
}

// outside calls visit for each reference that no entry answers, except for
// those into the resource itself and those that are an NHS number.
func (b *Bundle) outside(visit func(c *Change, expression, reference string)) {
	for i := range b.Changes {
		c := &b.Changes[i]
		for _, found := range c.Scan.References {
			if _, number := byNumber(found.Reference); number || found.Reference == "" || found.Reference[0] == '#' {
				continue
			}
			if _, ok := b.entry(found.Reference); !ok {
				visit(c, at(c.Index, "resource."+found.Expression), found.Reference)
			}
		}
	}
}

// Settle decides whom the bundle is about, given what is stored of Wanted. The
// error is a *Refusal.
func (b *Bundle) Settle(known map[Key]Stored) (*Settled, error) {
	number, refusal := b.person(known)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := b.checkOwners(known, number); refusal != nil {
		return nil, refusal
	}
	settled := &Settled{Bundle: b, NHSNumber: number}
	b.outside(func(c *Change, expression, reference string) {
		if bound(reference) {
			if refusal == nil {
				refusal = unresolved(expression)
			}
			return
		}
		if key, ok := Relative(reference); ok {
			if _, stored := known[key]; stored {
				return
			}
		}
		settled.Unmatched = append(settled.Unmatched, Unmatched{Index: c.Index, Expression: expression, Reference: reference})
	})
	if refusal != nil {
		return nil, refusal
	}
	return settled, nil
}

// person is the one person of whom the bundle speaks: its Patient's, else the
// one on whom all subjects agree, else the one of the resources that it deletes.
func (b *Bundle) person(known map[Key]Stored) (nhsnumber.Number, *Refusal) {
	number := b.NHSNumber
	for _, c := range b.claims {
		own := c.number
		if own == "" {
			own = known[c.stored].NHSNumber
		}
		switch {
		case own == "" && !b.named(c):
			return "", refuse(ReasonSubjectUnknown, c.expression, "This sender has sent no such Patient.")
		case own == "":
			continue
		case number != "" && own != number:
			return "", refuse(ReasonSubjectOther, c.expression, "This is about another person than the rest of the bundle.")
		}
		number = own
	}
	if number != "" {
		return number, nil
	}
	return b.deleted(known)
}

// named tells whether the resource of a claim names its person by number too.
func (b *Bundle) named(c claim) bool {
	for _, other := range b.claims {
		if other.change == c.change && other.number != "" {
			return true
		}
	}
	return false
}

// deleted is the person of the stored resources that the bundle changes, when
// nothing in it names one.
func (b *Bundle) deleted(known map[Key]Stored) (nhsnumber.Number, *Refusal) {
	for i := range b.Changes {
		c := &b.Changes[i]
		if stored, ok := known[c.Key]; ok && !c.Supporting {
			return stored.NHSNumber, nil
		}
	}
	return "", refuse(ReasonNoPatient, "Bundle", "Nothing in the bundle says whom it is about.")
}

// checkOwners refuses to change what is stored under another person. What that
// person's tombstone hides may begin anew under this one: that is how a sender
// corrects a resource that it sent for the wrong person. A practitioner or a
// ward belongs to nobody.
func (b *Bundle) checkOwners(known map[Key]Stored, number nhsnumber.Number) *Refusal {
	for i := range b.Changes {
		c := &b.Changes[i]
		stored, ok := known[c.Key]
		if !ok || c.Supporting || stored.NHSNumber == number || (stored.Deleted && c.Verb != Delete) {
			continue
		}
		text := "This resource was sent for another person. Delete it there first."
		return refuse(ReasonResourceOfAnother, at(c.Index, ""), text)
	}
	return nil
}
