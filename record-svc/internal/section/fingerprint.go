package section

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
)

// fingerprint is equal for two entries with the same type, code, instant,
// status and value (DOMAIN.md section 9). What has no instant equals nothing,
// since two undated events may be two events; demographics are no events.
// An allergy counts with everything that it states: one word more keeps it apart.
func fingerprint(e *Entry, raw []byte) (string, error) {
	if e.Instant().IsZero() && e.Section != Demographics {
		return "", nil
	}
	said := []string{
		e.Type, string(e.Section), identity(e), moment(e.Start, e.Recorded), moment(e.End), e.Status, e.Verification, e.Criticality,
		strings.Join(e.Reactions, "\n"), e.Value,
	}
	if e.Type == "AllergyIntolerance" {
		stated, err := fhir.DigestStated(raw, tellsOnlyWho()...)
		if err != nil {
			return "", fmt.Errorf("fingerprint: %w", err)
		}
		said = append(said, hex.EncodeToString(stated[:]))
	}
	return digest(said), nil
}

// identity is the code, or where there is none what the entry is called.
func identity(e *Entry) string {
	if e.Code.Code == "" {
		return strings.ToLower(e.Display)
	}
	return e.Code.System + "|" + e.Code.Code
}

// moment is the first date that is there, with its precision: 2019 is not the
// first of January 2019.
func moment(dates ...fhir.Date) string {
	date := firstDate(dates...)
	if date.IsZero() {
		return ""
	}
	return string(date.Precision) + date.Instant.Format(time.RFC3339Nano)
}

// tellsOnlyWho are the members that tell who states something, and not what.
func tellsOnlyWho() []string {
	return []string{
		"id", "meta", "identifier", "text", "contained", "patient", "encounter", "recorder", "asserter", "implicitRules", "language",
		"fhir_comments",
	}
}

// digest hashes texts so that no two lists of texts run into one.
func digest(said []string) string {
	h := sha256.New()
	var length [8]byte
	for _, text := range said {
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
	return hex.EncodeToString(h.Sum(nil))
}
