package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/rules"
)

// This test walks the whole product of what a decision can meet, and compares
// each decision with an oracle that was written from DESIGN.md section 4 and
// DOMAIN.md sections 3 to 6, not from the rules or the policy. A new RPC fails
// it until somebody says here who may call it.

var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// careRoles are one code of each profession of direct care, with what DOMAIN.md
// section 4 lets it see: Demographics, Allergies, Medication, History, Care plans,
// Results, Social care, safeGuarding; F full, S summary, - none.
var careRoles = map[string]string{
	"R0260": "FFFFFFSF", // GP
	"R0050": "FFFFFFSF", // consultant
	"R8001": "FFFFFFSS", // nurse
	"R1070": "FFFSFSSS", // paramedic
	"R1975": "FFFFFFSF", // mental health practitioner
	"R0950": "FFFSFSSS", // occupational therapist
	"R1110": "FFFSFSSS", // physiotherapist
	"R0014": "FFSS-F--", // radiologist
	"R1330": "FFSSF-FF", // social worker
	"R9535": "FSSSF-FF", // safeguarding officer
}

const (
	privacyRole   = "R0001"
	caldicottRole = "R5105"
	auditorRole   = "R5100"
	adminRole     = "DCR-ADMIN"
)

// row says who may call an RPC.
type row struct {
	roles  func(role string) bool
	system bool
	anyone bool
	// public: a member of the public without a token, and nobody with one.
	public bool
	// person: the call names one. need: a relationship is needed. seal: an
	// opt-out refuses.
	person, need, seal bool
	// visitor: a care profession may do it at a commissioner too.
	visitor bool
}

func care(role string) bool    { return careRoles[role] != "" }
func privacy(role string) bool { return role == privacyRole }
func admin(role string) bool   { return role == adminRole }
func safeguarding(role string) bool {
	return role == "R9535"
}
func searchers(role string) bool { return care(role) || privacy(role) }
func inspectors(role string) bool {
	return role == privacyRole || role == caldicottRole || role == auditorRole
}
func reviewers(role string) bool { return role == privacyRole || role == caldicottRole }
func everybody(role string) bool {
	return care(role) || inspectors(role) || admin(role)
}
func nobody(string) bool { return false }

var rows = map[string]row{
	"AccessHistoryService/GetAccessHistory":           {roles: reviewers, person: true},
	"AccessHistoryService/PrintAccessHistory":         {roles: reviewers, person: true},
	"AuditService/GetEvent":                           {roles: inspectors},
	"AuditService/ListEvents":                         {roles: inspectors},
	"CareRelationshipService/DeclareCareRelationship": {roles: care, person: true},
	"CareRelationshipService/EndCareRelationship":     {roles: care, person: true},
	"CareRelationshipService/ListCareRelationships":   {roles: care, person: true},
	"CaseService/CloseCase":                           {roles: reviewers},
	"CaseService/EscalateCase":                        {roles: privacy},
	"CaseService/ExplainCase":                         {roles: reviewers},
	"CaseService/GetCase":                             {roles: inspectors},
	"CaseService/ListCases":                           {roles: inspectors},
	"CaseService/NoteCase":                            {roles: reviewers},
	"CaseService/UpholdCase":                          {roles: reviewers},
	"FhirAuditService/PostSearchAuditEvents":          {roles: inspectors},
	"FhirAuditService/ReadAuditEvent":                 {roles: inspectors},
	"FhirAuditService/SearchAuditEvents":              {roles: inspectors},
	"FhirService/GetCapabilityStatement":              {roles: everybody, anyone: true},
	"FhirService/ListFeedRefusals":                    {roles: admin, system: true},
	"FhirService/SubmitBundle":                        {roles: nobody, system: true},
	"LogService/GetCheckpoint":                        {roles: everybody, anyone: true},
	"LogService/GetConsistencyProof":                  {roles: everybody, anyone: true},
	"LogService/GetInclusionProof":                    {roles: everybody, anyone: true},
	"LogService/GetLog":                               {roles: everybody, anyone: true},
	"LogService/GetReceipt":                           {roles: everybody, system: true, visitor: true},
	"LogService/GetTile":                              {roles: everybody, anyone: true},
	"MergeService/GetMerge":                           {roles: admin},
	"MergeService/ListMerges":                         {roles: admin},
	"MergeService/MergeNumbers":                       {roles: admin, person: true},
	"MergeService/UnmergeNumbers":                     {roles: admin},
	"MeService/GetMe":                                 {roles: everybody, visitor: true},
	"OptOutDocumentService/AddOptOutDocument":         {roles: privacy},
	"OptOutDocumentService/GetOptOutDocument":         {roles: privacy},
	"OptOutDocumentService/GetOptOutLetter":           {roles: privacy},
	"OptOutDocumentService/RetryOptOutLetter":         {roles: privacy},
	"OptOutImportService/ExportOptOuts":               {roles: privacy},
	"OptOutImportService/GetOptOutImport":             {roles: privacy},
	"OptOutImportService/ImportOptOuts":               {roles: privacy},
	"OptOutImportService/SignOffOptOutImport":         {roles: privacy},
	"OptOutService/DecideSafeguarding":                {roles: safeguarding},
	"OptOutService/GetOptOut":                         {roles: privacy},
	"OptOutService/GetOptOutStatistics":               {roles: privacy},
	"OptOutService/ListOptOuts":                       {roles: privacy},
	"OptOutService/ListSafeguardingOptOuts":           {roles: safeguarding},
	"OptOutService/MakeEffective":                     {roles: privacy},
	"OptOutService/MatchOptOut":                       {roles: privacy, person: true},
	"OptOutService/RecordEvidence":                    {roles: privacy},
	"OptOutService/RefuseOptOut":                      {roles: privacy},
	"OptOutService/RegisterOptOut":                    {roles: privacy, person: true},
	"OptOutService/RequestEvidence":                   {roles: privacy},
	"OptOutService/ReverseOptOut":                     {roles: privacy},
	"OptOutService/StartOptOut":                       {roles: searchers},
	"OptOutService/WithdrawOptOut":                    {roles: privacy},
	"OrganisationService/ActivateOrganisation":        {roles: admin},
	"OrganisationService/CreateOrganisation":          {roles: admin},
	"OrganisationService/EndOrganisation":             {roles: admin},
	"OrganisationService/GetOrganisation":             {roles: everybody, visitor: true},
	"OrganisationService/ListOrganisations":           {roles: everybody, visitor: true},
	"OrganisationService/UpdateOrganisation":          {roles: admin},
	"PatientService/BreakRestriction":                 {roles: care, person: true, need: true, seal: true},
	"PatientService/ExplainAccess":                    {roles: care, person: true},
	"PatientService/GetPatient":                       {roles: searchers, person: true},
	"PatientService/SearchPatients":                   {roles: searchers},
	"PublicOptOutService/ConfirmPublicOptOut":         {roles: nobody, public: true},
	"PublicOptOutService/GetPublicOptOutStatus":       {roles: nobody, public: true},
	"PublicOptOutService/SubmitPublicOptOut":          {roles: nobody, public: true},
	"RecordService/GetEntry":                          {roles: care, person: true, need: true, seal: true},
	"RecordService/GetRecord":                         {roles: care, person: true, need: true, seal: true},
	"RecordService/ListEntries":                       {roles: care, person: true, need: true, seal: true},
	"UndecidedService/DecideUnmergedPerson":           {roles: privacy, person: true},
	"UndecidedService/DismissHeldPerson":              {roles: privacy, person: true},
	"UndecidedService/ListHeldPeople":                 {roles: privacy},
	"UndecidedService/ListUnmergedPeople":             {roles: privacy},
	"StaffService/AddStaffRole":                       {roles: admin},
	"StaffService/CreateStaff":                        {roles: admin},
	"StaffService/EndStaff":                           {roles: admin},
	"StaffService/EndStaffRole":                       {roles: admin},
	"StaffService/GetStaff":                           {roles: admin},
	"StaffService/ListStaff":                          {roles: admin},
	"StaffService/UpdateStaff":                        {roles: admin},
}

// The dimensions of the product.
var (
	tokens    = []string{"unknown", "absent", "refused", "unverifiable", "accepted"}
	audiences = []string{"staff", "system", "anyone"}
	standings = []string{"stands", "left", "role ended", "unknown", "prospective", "not begun", "ended", "out of area", "commissioner"}
	relations = []string{"none", "registration", "episode", "caseload", "referral", "granted", "self-declared", "emergency",
		"inactive", "over", "of another person", "of a colleague", "of no kind"}
	choices      = []string{"not read", "never chose", "in", "out"}
	restrictions = []string{"no", "yes", "broken", "broken, over"}
)

// scene is one point of the product.
type scene struct {
	rpc, token, audience, role, standing, relation, choice, restriction string
	own, known                                                          bool
}

func TestDecisionsOverTheWholeProduct(t *testing.T) {
	policy, registry := load(t)
	roles := append(slices.Sorted(mapKeys(careRoles)), privacyRole, caldicottRole, auditorRole, adminRole, "R9999", "")
	walked, permitted := 0, 0
	check := func(s scene) {
		walked++
		rule := registry.Lookup("/dcr.gateway.v1." + s.rpc).Rule
		d := policy.Decide(rule, s.facts())
		got, want := outcome(d), s.oracle()
		if d.Permit {
			permitted++
		}
		if got != want {
			t.Fatalf("%+v:\n got %s\nwant %s", s, got, want)
		}
	}
	for _, method := range registry.Methods() {
		rpc := strings.TrimPrefix(method, "/dcr.gateway.v1.")
		if _, ok := rows[rpc]; !ok {
			t.Errorf("%s has no row: say who may call it", rpc)
			continue
		}
		base := scene{rpc: rpc, token: "accepted", audience: "staff", standing: "stands", relation: "episode", choice: "in", restriction: "no", known: true}
		walkTokens(base, roles, check)
		walkStaff(base, roles, check)
		walkSystems(base, check)
	}
	for rpc := range rows {
		if registry.Lookup("/dcr.gateway.v1."+rpc) == nil {
			t.Errorf("%s has a row and does not exist", rpc)
		}
	}
	if permitted == 0 || permitted == walked {
		t.Errorf("%d of %d permitted: the product tells nothing", permitted, walked)
	}
	t.Logf("%d decisions, %d permitted", walked, permitted)
}

func walkTokens(s scene, roles []string, check func(scene)) {
	for _, s.token = range tokens {
		for _, s.audience = range audiences {
			for _, s.role = range roles {
				check(s)
			}
		}
	}
}

func walkStaff(s scene, roles []string, check func(scene)) {
	for _, s.role = range roles {
		for _, s.standing = range standings {
			for _, s.own = range []bool{false, true} {
				for _, s.known = range []bool{false, true} {
					walkPerson(s, check)
				}
			}
		}
	}
}

func walkPerson(s scene, check func(scene)) {
	for _, s.relation = range relations {
		for _, s.choice = range choices {
			for _, s.restriction = range restrictions {
				check(s)
			}
		}
	}
}

func walkSystems(s scene, check func(scene)) {
	s.audience = "system"
	for _, s.standing = range standings {
		for _, s.choice = range choices {
			check(s)
		}
	}
}

// oracle is what must come out, in the words of DESIGN.md section 4.
func (s scene) oracle() string {
	r := rows[s.rpc]
	switch {
	case s.token == "unverifiable":
		return "ISSUER_UNAVAILABLE"
	case s.token == "absent" && (r.anyone || r.public), s.token == "accepted" && r.anyone:
		return "permit"
	case s.token != "accepted":
		return "UNAUTHENTICATED"
	case s.audience == "system":
		return s.systemOracle(r)
	case s.audience == "anyone":
		return "ACCESS_DENIED"
	}
	mayAct := s.standing == "stands" || s.standing == "commissioner"
	visits := s.standing == "commissioner" && care(s.role) && !r.visitor
	related := slices.Contains(relations[1:8], s.relation) && s.known
	switch {
	case !mayAct || !r.roles(s.role) || visits:
		return "ACCESS_DENIED"
	case r.person && s.own:
		return "ACCESS_DENIED"
	case r.need && !related:
		return "NO_RELATIONSHIP"
	case r.seal && s.choice == "not read":
		return "FACTS_UNAVAILABLE"
	case r.seal && s.choice == "out":
		return "NO_PATIENT_CONSENT"
	}
	return "permit" + s.shown(r, related)
}

func (s scene) systemOracle(r row) string {
	switch {
	case !r.system:
		return "ACCESS_DENIED"
	case s.standing != "stands" && s.standing != "commissioner":
		return "NO_ORGANISATION_CONSENT"
	}
	return "permit"
}

// shown is what comes with a permit of a call about a person.
func (s scene) shown(r row, related bool) string {
	if !r.person || !(r.need || s.rpc == "PatientService/GetPatient" || s.rpc == "PatientService/ExplainAccess") || !related {
		return ""
	}
	sees := careRoles[s.role]
	if s.role == privacyRole {
		sees = "F-------"
	}
	restricted := ""
	switch s.restriction {
	case "yes", "broken, over":
		restricted = " withheld"
	case "broken":
		restricted = " broken"
	}
	declared := ""
	if s.relation == "self-declared" || s.relation == "emergency" {
		declared = " alert"
	}
	return " " + sees + restricted + declared
}

// outcome is a decision in the oracle's words.
func outcome(d access.Decision) string {
	if !d.Permit {
		if d.Refusal == nil || len(d.Sections) > 0 || len(d.Obligations) > 0 {
			return fmt.Sprintf("a refusal that gives something: %+v", d)
		}
		return d.Refusal.Reason
	}
	if d.Refusal != nil {
		return fmt.Sprintf("a permit that refuses: %+v", d)
	}
	if d.Relationship == nil {
		if len(d.Sections) > 0 {
			return fmt.Sprintf("sections without a relationship: %+v", d)
		}
		return "permit"
	}
	text := "permit " + letters(d.Sections)
	switch d.Restriction.String() {
	case "RESTRICTION_UNBROKEN":
		text += " withheld"
	case "RESTRICTION_BROKEN":
		text += " broken"
	}
	if slices.Contains(d.Obligations, access.ObligationAlert) {
		text += " alert"
	}
	return text
}

func letters(grants []*accessv1.SectionGrant) string {
	text := []byte("--------")
	for _, g := range grants {
		text[g.GetSection()-1] = map[accessv1.Level]byte{accessv1.Level_LEVEL_FULL: 'F', accessv1.Level_LEVEL_SUMMARY: 'S'}[g.GetLevel()]
	}
	return string(text)
}

func load(t *testing.T) (*access.Policy, *rules.Registry) {
	t.Helper()
	policy, err := access.DefaultPolicy()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := rules.New(policy, rules.Exposed()...)
	if err != nil {
		t.Fatal(err)
	}
	return policy, registry
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func at(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(testNow.Add(d)) }

var kinds = map[string]identityv1.RelationshipKind{
	"registration": 1, "referral": 2, "episode": 3, "caseload": 4, "granted": 5, "self-declared": 6, "emergency": 7,
}
