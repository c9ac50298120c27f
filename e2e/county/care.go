package county

import "time"

// CareKind is a kind of care relationship that feeds give rise to (DOMAIN.md section 5).
type CareKind string

// Kinds of care.
const (
	Registration CareKind = "registration"
	Referral     CareKind = "referral"
	Episode      CareKind = "episode"
	Caseload     CareKind = "caseload"
)

// recent is within every kind's period of grace after its end, in days.
const recent = 20

// Care is a care relationship as a feed states it.
type Care struct {
	Kind CareKind
	// ODSCode of the organisation that holds it.
	ODSCode string
	// Subject of the member of staff whose caseload it is; empty where the organisation holds it.
	Subject string
	// Since when, and Ended, zero while it lasts.
	Since, Ended time.Time
}

// care notes a relationship.
func (l *life) care(kind CareKind, odsCode, subject string, since, ended time.Time) {
	l.person.Care = append(l.person.Care, Care{kind, odsCode, subject, since, ended})
}

// open says whether the relationship stands at an instant: not ended, or ended days ago.
func (c Care) open(now time.Time) bool {
	return c.Ended.IsZero() || now.Sub(c.Ended) <= recent*24*time.Hour
}

// caredForBy says whether a member of staff has a relationship with the person. Overseers are not said to have any.
func (p Person) caredForBy(member Staff, now time.Time) bool {
	if holds(member, []Role{privacyOfficer, caldicott, auditManager, administrator}) {
		return false
	}
	for _, care := range p.Care {
		named := care.Subject == "" || care.Subject == member.Subject
		if care.ODSCode == member.ODSCode && named && care.open(now) {
			return true
		}
	}
	return false
}
