package blackbox_test

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// mainJob is what the suite is for (DESIGN section 1): a paramedic opens a record of several organisations;
// somebody without a relationship is refused, and so is a look at somebody who opted out; and each of the
// three is in the audit log.
func (s *suite) mainJob(t *testing.T) {
	paramedic := s.signIn(t, "R1070")
	rich, out := s.tagged(t, county.TagRich), s.tagged(t, county.TagRich, county.TagOptedOut)
	stranger := s.hire(t, "R1110", "RBD", "")
	other := s.tagged(t, county.TagOutsideGP)
	for _, on := range s.surfaces(methodFor(t, &gatewayv1.GetRecordRequest{})) {
		t.Run("released over "+on.name, func(t *testing.T) {
			s.released(t, on, paramedic, rich)
		})
		t.Run("no relationship over "+on.name, func(t *testing.T) {
			s.refused(t, on, stranger, other.NHSNumber, "NO_RELATIONSHIP")
		})
		t.Run("opted out over "+on.name, func(t *testing.T) {
			s.refused(t, on, paramedic, out.NHSNumber, "NO_PATIENT_CONSENT")
		})
	}
}

func (s *suite) released(t *testing.T, on surface, who member, p county.Person) {
	r := on.call(t, who.token, &gatewayv1.GetRecordRequest{NhsNumber: p.NHSNumber})
	view := &gatewayv1.RecordView{}
	r.bodyInto(t, view)
	if view.GetRecord().GetNhsNumber() != p.NHSNumber || len(view.GetRecord().GetSections()) != 8 {
		t.Errorf("a record of %d sections", len(view.GetRecord().GetSections()))
	}
	if r.header != nil {
		if got := r.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control is %q", got)
		}
	}
	if r.eventID == "" || view.GetAccess().GetEventId() != r.eventID {
		t.Fatalf("the header names event %q, the body %q", r.eventID, view.GetAccess().GetEventId())
	}
	e := s.event(t, r.eventID)
	if d := (expectation{
		action: "record.view", outcome: auditv1.Outcome_OUTCOME_RELEASED, number: p.NHSNumber, who: who, surface: on.audit,
		rpc: "/dcr.gateway.v1.RecordService/GetRecord",
	}).differs(e); d != "" {
		t.Error(d)
	}
	sum := sha256.Sum256(r.raw)
	if !slices.Equal(sum[:], e.GetDisclosure().GetSha256()) {
		t.Error("the event's hash is not that of the bytes that were sent")
	}
	checkDisclosure(t, view, e)
	if b := e.GetBasis(); b.GetPurpose() != "direct_care" || b.GetRelationshipKind() != "episode" || b.GetRelationshipId() == "" ||
		b.GetLawfulBasis() != "GDPR 6(1)(e), 9(2)(h)" || e.GetActor().GetStaffId() != who.id || e.GetActor().GetOdsCode() != who.ods {
		t.Errorf("basis %v of %v", b, e.GetActor())
	}
}

// checkDisclosure compares what the event says was released with what the body holds.
func checkDisclosure(t *testing.T, view *gatewayv1.RecordView, e *auditv1.Event) {
	t.Helper()
	entries, sources, levels := 0, map[string]bool{}, map[string]string{}
	for _, section := range view.GetRecord().GetSections() {
		entries += len(section.GetEntries())
		if section.GetLevel() != "none" {
			levels[section.GetSection()] = section.GetLevel()
		}
		for _, entry := range section.GetEntries() {
			for _, source := range entry.GetSources() {
				sources[source.GetOdsCode()] = true
			}
		}
		for _, a := range section.GetAssertions() {
			sources[a.GetOdsCode()] = true
		}
	}
	d := e.GetDisclosure()
	if int(d.GetEntries()) != entries || entries < 20 {
		t.Errorf("the event counts %d entries, the body has %d", d.GetEntries(), entries)
	}
	if len(sources) < 4 {
		t.Errorf("a combined record of %d organisations", len(sources))
	}
	for _, source := range d.GetSourceOdsCodes() {
		if !sources[source] {
			t.Errorf("the event names %s, the body does not", source)
		}
	}
	if len(d.GetSourceOdsCodes()) != len(sources) {
		t.Errorf("the event names %v, the body %v", d.GetSourceOdsCodes(), sources)
	}
	told := map[string]string{}
	for _, g := range d.GetSections() {
		told[strings.ToLower(strings.TrimPrefix(g.GetSection().String(), "SECTION_"))] =
			strings.ToLower(strings.TrimPrefix(g.GetLevel().String(), "LEVEL_"))
	}
	if diff := cmp.Diff(levels, told); diff != "" {
		t.Errorf("sections in the body and in the event: %s", diff)
	}
}

// refused wants a refusal that shows nothing of the person and is in the log.
func (s *suite) refused(t *testing.T, on surface, who member, number, reason string) {
	t.Helper()
	r := on.call(t, who.token, &gatewayv1.GetRecordRequest{NhsNumber: number})
	r.want(t, http.StatusForbidden, reason)
	if r.message != nil || strings.Contains(string(r.raw), "sections") || strings.Contains(string(r.raw), number) {
		t.Errorf("a refusal with a body: %s", r.raw)
	}
	if d := (expectation{
		action: "record.view", outcome: auditv1.Outcome_OUTCOME_REFUSED, reason: reason, number: number, who: who, surface: on.audit,
		rpc: "/dcr.gateway.v1.RecordService/GetRecord",
	}).differs(s.event(t, r.eventID)); d != "" {
		t.Error(d)
	}
}
