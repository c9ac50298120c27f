package app

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
)

func surgery() *identityv1.Organisation {
	return &identityv1.Organisation{OdsCode: "J81900", Name: "Bridport Surgery", Kind: identityv1.OrganisationKind_ORGANISATION_KIND_GP_PRACTICE}
}

func hospital() *identityv1.Organisation {
	return &identityv1.Organisation{OdsCode: "R0D", Name: "University Hospitals Dorset", Kind: identityv1.OrganisationKind_ORGANISATION_KIND_ACUTE_TRUST}
}

func council() *identityv1.Organisation {
	return &identityv1.Organisation{OdsCode: "E06000059", Name: "Dorset Council", Kind: identityv1.OrganisationKind_ORGANISATION_KIND_LOCAL_AUTHORITY}
}

// delivery is a new attempt to hand in a bundle.
func delivery(from *identityv1.Organisation, body string) *recordv1.SubmitBundleRequest {
	return &recordv1.SubmitBundleRequest{
		Source: from, Bundle: []byte(body),
		Event: &auditv1.EventContext{
			EventId: uuid.Must(uuid.NewV7()).String(), Action: "feed.submit",
			Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SYSTEM, OdsCode: from.GetOdsCode()},
			Basis: &auditv1.Basis{Purpose: "direct_care"},
		},
	}
}

// answered is what a sender reads of an answer.
type answered struct {
	ResourceType, Type string
	Entry              []struct {
		Response struct {
			Status, Location, Etag string
			Outcome                *answered
		}
	}
	Issue []struct {
		Severity, Code string
		Details        struct{ Coding []struct{ Code string } }
		Expression     []string
	}
}

// reasons of an OperationOutcome.
func (a *answered) reasons() []string {
	var all []string
	for _, i := range a.Issue {
		all = append(all, i.Details.Coding[0].Code)
	}
	return all
}

// accept sends a bundle that is taken.
func (r *replica) accept(t testing.TB, from *identityv1.Organisation, body string) *answered {
	t.Helper()
	resp, err := r.feed.SubmitBundle(limit(t), delivery(from, body))
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	if resp.GetHttpStatus() != 200 || resp.GetReason() != "" {
		t.Fatalf("refused: %d %s %s", resp.GetHttpStatus(), resp.GetReason(), resp.GetBody())
	}
	a := read[answered](t, resp.GetBody())
	if a.ResourceType != "Bundle" || a.Type != "transaction-response" {
		t.Errorf("answered %s of type %s", a.ResourceType, a.Type)
	}
	return a
}

// refuse sends a bundle that is refused, with this status and reason, there.
func (r *replica) refuse(t testing.TB, from *identityv1.Organisation, body string, status int32, reason, expression string) {
	t.Helper()
	before := r.stored(t)
	resp, err := r.feed.SubmitBundle(limit(t), delivery(from, body))
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	if resp.GetHttpStatus() != status || resp.GetReason() != reason {
		t.Fatalf("answered %d %s, want %d %s: %s", resp.GetHttpStatus(), resp.GetReason(), status, reason, resp.GetBody())
	}
	a := read[answered](t, resp.GetBody())
	if a.ResourceType != "OperationOutcome" || len(a.Issue) != 1 || a.Issue[0].Severity != "error" || a.reasons()[0] != reason {
		t.Errorf("outcome %+v", a)
	}
	if got := append(a.Issue[0].Expression, "")[0]; got != expression {
		t.Errorf("refused at %q, want %q", got, expression)
	}
	if after := r.stored(t); after != before {
		t.Errorf("a refused bundle changed what is stored: %v, before %v", after, before)
	}
}

// state is how much is stored: a refused or repeated bundle must not change any of it.
type state struct {
	Persons, Entries, Versions, Pieces, Accepted, Sequences, Waiting int
}

func (s *suite) stored(t testing.TB) state {
	t.Helper()
	var now state
	const query = `SELECT (SELECT count(*) FROM person) AS persons, (SELECT count(*) FROM entry) AS entries, (SELECT count(*) FROM version) AS versions,
		(SELECT count(*) FROM piece) AS pieces, (SELECT count(*) FROM accepted) AS accepted, (SELECT coalesce(sum(sequence), 0) FROM person) AS sequences,
		(SELECT count(*) FROM outbox) AS waiting`
	if err := s.db.Owner.GetContext(limit(t), &now, query); err != nil {
		t.Fatal(err)
	}
	return now
}

// read decodes JSON.
func read[T any](t testing.TB, text []byte) *T {
	t.Helper()
	value := new(T)
	if err := json.Unmarshal(text, value); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return value
}
