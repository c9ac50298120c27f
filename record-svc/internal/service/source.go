package service

import (
	"time"

	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// source is a partner and how fresh its feed is (dcr.record.v1.Source).
type source struct {
	ODSCode        string `json:"ods_code,omitempty"`
	Name           string `json:"name"`
	FeedReceivedAt string `json:"feed_received_at,omitempty"`
	LatestEntryAt  string `json:"latest_entry_at,omitempty"`
	Entries        int64  `json:"entries,omitempty"`
	RefusedAt      string `json:"refused_at,omitempty"`
	RefusedReason  string `json:"refused_reason,omitempty"`
}

// withheldPractices stands for all practices where a restricted person's GP is withheld.
const withheldPractices = "A GP practice"

// sources lists every partner. Dates of this person come only with an entry that is shown. In an unbroken
// view of a restricted person every practice is left out of the list, whether it is the person's or not,
// and one line without code, name and dates says what practices together have.
func sources(pieces map[section.Name]store.Piece, feeds []store.Freshness, isMasked bool) []source {
	shown := map[string]store.SourceShown{}
	for _, p := range pieces {
		for _, s := range p.Shown {
			sum := shown[s.ODSCode]
			sum.Entries += s.Entries
			sum.Latest = max(sum.Latest, s.Latest)
			shown[s.ODSCode] = sum
		}
	}
	all := make([]source, 0, len(feeds))
	practices := source{Name: withheldPractices}
	for _, f := range feeds {
		if isMasked && identityv1.OrganisationKind(f.Kind) == identityv1.OrganisationKind_ORGANISATION_KIND_GP_PRACTICE {
			practices.Entries += shown[f.ODSCode].Entries
			continue
		}
		all = append(all, sourceOf(f, shown[f.ODSCode]))
	}
	if practices.Entries > 0 {
		all = append(all, practices)
	}
	return all
}

func sourceOf(f store.Freshness, shown store.SourceShown) source {
	s := source{ODSCode: f.ODSCode, Name: f.Name, FeedReceivedAt: printed(f.LastReceivedAt), Entries: shown.Entries, LatestEntryAt: shown.Latest}
	s.RefusedAt, s.RefusedReason = printed(f.RefusedAt), f.RefusedReason
	return s
}

// printed is an instant in JSON; empty for the zero time.
func printed(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// anyRefused tells whether a partner's last bundle about the person was refused.
func anyRefused(feeds []store.Freshness) bool {
	for _, f := range feeds {
		if !f.RefusedAt.IsZero() {
			return true
		}
	}
	return false
}
