package store

import (
	"time"

	"github.com/lib/pq"
)

// Freshness is how fresh a partner's feed is.
type Freshness struct {
	Source
	// LastReceivedAt is when anything was last accepted from it, about anybody; zero if never.
	LastReceivedAt time.Time
	// RefusedAt and RefusedReason of its last bundle about this person, where that was refused; zero if not.
	RefusedAt     time.Time
	RefusedReason string
}

// feedsSQL is one row: all partners that ever sent, by ODS code, with the freshness of their feeds, as arrays
// of one length. Instants are microseconds since 1970, 0 for never.
const feedsSQL = `
SELECT array_agg(o.ods_code), array_agg(o.name), array_agg(o.kind), array_agg(o.received), array_agg(o.refused), array_agg(o.reason)
  FROM (SELECT s.ods_code, s.name, s.kind, coalesce((extract(epoch FROM s.last_received_at) * 1000000)::bigint, 0) AS received,
               coalesce((extract(epoch FROM r.refused_at) * 1000000)::bigint, 0) AS refused, coalesce(r.reason, '') AS reason
          FROM source s LEFT JOIN (
               SELECT DISTINCT ON (r.source_ods_code) r.source_ods_code, r.refused_at, r.reason
                 FROM refusal r LEFT JOIN accepted a ON a.nhs_number = r.nhs_number AND a.source_ods_code = r.source_ods_code
                WHERE r.nhs_number = $1 AND r.nhs_number <> '' AND (a.accepted_at IS NULL OR r.refused_at > a.accepted_at)
                ORDER BY r.source_ods_code, r.refused_at DESC) r ON r.source_ods_code = s.ods_code
         ORDER BY s.ods_code) o`

// feedColumns is the row of feedsSQL; all nil where there is none.
type feedColumns struct {
	codes, names, reasons    pq.StringArray
	kinds, received, refused pq.Int64Array
}

func (c *feedColumns) list() []Freshness {
	all := make([]Freshness, len(c.codes))
	for i, code := range c.codes {
		all[i] = Freshness{
			Source:         Source{ODSCode: code, Name: c.names[i], Kind: int32(c.kinds[i])}, //nolint:gosec // an enumeration
			LastReceivedAt: instant(c.received[i]), RefusedAt: instant(c.refused[i]), RefusedReason: c.reasons[i],
		}
	}
	return all
}

func instant(microseconds int64) time.Time {
	if microseconds == 0 {
		return time.Time{}
	}
	return time.UnixMicro(microseconds)
}
