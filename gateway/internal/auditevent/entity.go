package auditevent

import (
	"strconv"
	"strings"
	"time"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// entitiesOf are whose record it was, what was asked for or touched, the call's id, and what the event says
// beyond what FHIR has places for.
func entitiesOf(e *auditv1.Event, p pattern) []entity {
	var all []entity
	if e.GetNhsNumber() != "" {
		all = append(all, patient(e))
	}
	if !signIn(e) {
		all = append(all, object(e, p))
	}
	if id := e.GetOrigin().GetRequestId(); id != "" {
		all = append(all, entity{
			What: &reference{Identifier: &identifier{Value: id}},
			Type: &coding{systemBALPEntity, "XrequestId", ""},
		})
	}
	if d := e.GetDisclosure(); d != nil {
		all = append(all, own("disclosure", disclosed(d)))
	}
	return append(all, own("basis", basis(e)))
}

func patient(e *auditv1.Event) entity {
	return entity{
		What: &reference{Type: "Patient", Identifier: &identifier{SystemNHSNumber, e.GetNhsNumber()}},
		Type: &coding{systemEntity, "1", "Person"},
		Role: &coding{systemObjectRole, "1", "Patient"},
	}
}

// object is the question of a search, and of everything else what was read or changed.
func object(e *auditv1.Event, p pattern) entity {
	kind := &coding{systemEntity, "2", "System Object"}
	if p.profile == "Query" {
		return entity{
			Type: kind, Role: &coding{systemObjectRole, "24", "Query"},
			Description: e.GetQuery(), Query: []byte(e.GetBasis().GetRpc() + "?" + e.GetQuery()),
		}
	}
	o := entity{Type: kind, Role: &coding{systemObjectRole, "4", "Domain Resource"}, What: &reference{Display: e.GetAction()}}
	if c := e.GetChange(); c != nil {
		o.What.Display, o.Description = c.GetResource(), c.GetSummary()
		if c.GetId() != "" {
			o.What.Identifier = &identifier{idPrefix + strings.ReplaceAll(c.GetResource(), "_", "-"), c.GetId()}
		}
	}
	return o
}

func own(code string, details []detail) entity {
	return entity{Type: &coding{System: systemOwnEntity, Code: code}, Detail: details}
}

// disclosed says what left: sections with their levels, how much, whose, and the hash of what was sent.
func disclosed(d *auditv1.Disclosure) []detail {
	var all []detail
	for _, s := range d.GetSections() {
		all = append(all, text("section:"+sectionName(s.GetSection()), levelName(s.GetLevel()))...)
	}
	all = append(all, detail{Type: "entries", String: strconv.Itoa(int(d.GetEntries()))})
	for _, code := range d.GetSourceOdsCodes() {
		all = append(all, text("source", code)...)
	}
	if len(d.GetSha256()) > 0 {
		all = append(all, detail{Type: "sha256", Bytes: d.GetSha256()})
	}
	return all
}

// basis is on what it was decided, and where it can be found again.
func basis(e *auditv1.Event) []detail {
	b, a := e.GetBasis(), e.GetActor()
	var all []detail
	for _, d := range [][2]string{
		{"purpose", b.GetPurpose()}, {"lawful-basis", b.GetLawfulBasis()},
		{"relationship-id", b.GetRelationshipId()}, {"relationship-kind", b.GetRelationshipKind()},
		{"relationship-version", b.GetRelationshipVersion()},
		{"reason-code", b.GetReasonCode()}, {"reason-text", b.GetReasonText()},
		{"asked-nhs-number", e.GetAskedNhsNumber()},
		{"session", a.GetSession()}, {"issuer", a.GetIssuer()}, {"assurance", a.GetAssurance()},
		{"surface", e.GetOrigin().GetSurface()}, {"trace-id", e.GetOrigin().GetTraceId()},
	} {
		all = append(all, text(d[0], d[1])...)
	}
	if b.GetRelationshipEndsAt() != nil {
		all = append(all, text("relationship-ends-at", b.GetRelationshipEndsAt().AsTime().Format(time.RFC3339))...)
	}
	all = append(all, detail{Type: "choice-number", String: strconv.FormatInt(b.GetChoiceNumber(), 10)})
	for _, s := range e.GetChange().GetSections() {
		all = append(all, text("changed-section", sectionName(s))...)
	}
	if n := e.GetChange().GetEntries(); n != 0 {
		all = append(all, text("changed-entries", strconv.Itoa(int(n)))...)
	}
	for _, mark := range e.GetMarks() {
		all = append(all, text("mark", mark)...)
	}
	return all
}

// text is a detail, or none for an empty text, which FHIR does not allow.
func text(kind, value string) []detail {
	if value == "" {
		return nil
	}
	return []detail{{Type: kind, String: value}}
}

func sectionName(s accessv1.Section) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "SECTION_"))
}

func levelName(l accessv1.Level) string {
	return strings.ToLower(strings.TrimPrefix(l.String(), "LEVEL_"))
}
