package county

import (
	"encoding/base64"
	"fmt"
	"time"
)

// letters of the hospital: an outpatient letter, and once the person is home the discharge summary, as a document and as a
// composition.
func (l *life) letters(s *sheet, v visit) {
	seen := l.ago(150)
	l.document(s, "outpatient", concept("823681000000100", "Outpatient letter"), seen,
		"Seen in clinic today. Continue the present treatment. Review in six months.")
	if v.end.IsZero() {
		return
	}
	l.document(s, "discharge", concept("373942005", "Discharge summary"), v.end,
		fmt.Sprintf("Admitted with: %s. Recovered well and went home. The practice is asked to review in two weeks.", v.reason.term))
	s.add("Composition", "discharge", v.end, resource{
		"status":    "final",
		"type":      concept("373942005", "Discharge summary"),
		"subject":   s.subject(),
		"encounter": resource{"reference": v.reference},
		"date":      instant(v.end),
		"author":    list{s.practitioner(v.clinician)},
		"title":     "Discharge summary",
		"section": list{resource{
			"title": "Plan and requested actions",
			"text":  resource{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">Review by the practice in two weeks.</div>`},
		}},
	})
}

func (l *life) document(s *sheet, key string, kind resource, at time.Time, text string) {
	s.add("DocumentReference", key, at, resource{
		"status":    "current",
		"docStatus": "final",
		"type":      kind,
		"subject":   s.subject(),
		"date":      instant(at),
		"author":    list{s.author(consultant, nurse)},
		"custodian": s.organisation(),
		"content": list{resource{"attachment": resource{
			"contentType": "text/plain",
			"language":    "en-GB",
			"data":        base64.StdEncoding.EncodeToString([]byte(text)),
			"title":       kind["text"],
			"creation":    instant(at),
		}}},
	})
}
