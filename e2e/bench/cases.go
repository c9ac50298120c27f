package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// views are (a): the whole view with every check on and the audit durable, beside the bare service, beside
// the select alone.
func (s *Suite) views(ctx context.Context, numbers []string, connections int) ([]Case, error) {
	lines, err := s.db.PrepareContext(ctx, linesSQL)
	if err != nil {
		return nil, err
	}
	return []Case{
		{Name: "select alone", Workers: connections, PIDs: []int{s.postgres()}, Do: func(ctx context.Context, w, n int) error {
			_, err := printLines(ctx, lines, numbers[(w*7+n)%len(numbers)])
			return err
		}},
		{Name: "whole view over REST", Workers: connections, PIDs: s.servers(), Do: func(ctx context.Context, w, n int) error {
			return s.get(ctx, s.rest.BaseURL+"/v1/patients/"+numbers[(w*7+n)%len(numbers)]+"/record", s.token)
		}},
		{Name: "bare service", Workers: connections, PIDs: []int{s.postgres(), s.bare.PID()}, Do: func(ctx context.Context, w, n int) error {
			return s.get(ctx, s.bareURL+"/"+numbers[(w*7+n)%len(numbers)], "")
		}},
	}, nil
}

// price is (e): all checks on beside all checks off.
func (s *Suite) price(connections int) []Case {
	off := append([]int{s.postgres(), s.door.PID()}, s.pids("record-svc")...)
	return []Case{
		{Name: "all checks on", Workers: connections, PIDs: s.servers(), Do: func(ctx context.Context, w, n int) error {
			return s.get(ctx, s.rest.BaseURL+"/v1/patients/"+s.large[(w*7+n)%each]+"/record", s.token)
		}},
		{Name: "all checks off", Workers: connections, PIDs: off, Do: func(ctx context.Context, w, n int) error {
			return s.get(ctx, s.doorURL+"/"+s.large[(w*7+n)%each], "")
		}},
	}
}

func (s *Suite) pids(program string) []int {
	var pids []int
	for _, p := range s.stack.Replicas(program) {
		pids = append(pids, p.PID())
	}
	return pids
}

// factsSQL is about the join that the facts come from.
const factsSQL = `
SELECT s.id, s.name, r.id, o.name, o.state, p.restricted, p.gp_ods_code, c.id, c.kind, c.ends_at
  FROM identity.staff s
  JOIN identity.staff_role r ON r.staff_id = s.id AND r.role_code = $3 AND r.ods_code = $4 AND r.ended_at IS NULL
  JOIN identity.organisation o ON o.ods_code = r.ods_code
  JOIN identity.patient p ON p.nhs_number = $5
  JOIN identity.care_relationship c ON c.nhs_number = p.nhs_number AND c.ods_code = o.ods_code AND c.ends_at > now()
 WHERE s.issuer = $1 AND s.subject = $2`

// facts are (b): the access facts of one member of staff and one person over gRPC, beside the join in SQL.
func (s *Suite) facts(ctx context.Context, workers int) ([]Case, error) {
	conn, err := dial("static:///"+s.stack.Addresses("identity-svc")[0], "identity-svc", s.stack.CertDir())
	if err != nil {
		return nil, err
	}
	client := identityv1.NewFactsServiceClient(conn)
	join, err := s.db.PrepareContext(ctx, factsSQL)
	if err != nil {
		return nil, err
	}
	issuer := s.stack.IssuerURL()
	return []Case{
		{Name: "facts over gRPC", Workers: workers, PIDs: append(s.pids("identity-svc"), s.postgres()), Do: func(ctx context.Context, w, n int) error {
			resp, err := client.GetStaffFacts(ctx, &identityv1.GetStaffFactsRequest{
				Issuer: issuer, Subject: s.gp.Subject, RoleCode: s.gp.Role.Code, OdsCode: s.gp.ODSCode, NhsNumber: s.large[(w*7+n)%each],
			})
			if err == nil && len(resp.GetRelationships()) == 0 {
				err = fmt.Errorf("no relationship in the answer")
			}
			return err
		}},
		{Name: "join in SQL", Workers: workers, PIDs: []int{s.postgres()}, Do: func(ctx context.Context, w, n int) error {
			return drain(ctx, join, issuer, s.gp.Subject, s.gp.Role.Code, s.gp.ODSCode, s.large[(w*7+n)%each])
		}},
	}, nil
}

// drain runs a statement that must answer at least one row.
func drain(ctx context.Context, stmt *sql.Stmt, args ...any) error {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return fmt.Errorf("no row: %w", rows.Err())
	}
	for rows.Next() {
	}
	return rows.Err()
}

// appends are (c): durable appends beside one synchronous INSERT per event of about the same row.
func (s *Suite) appends(ctx context.Context, writers int) ([]Case, error) {
	conn, err := dial("static:///"+s.stack.Addresses("audit-svc")[0], "audit-svc", s.stack.CertDir())
	if err != nil {
		return nil, err
	}
	client := auditv1.NewAppendServiceClient(conn)
	insert, err := s.db.PrepareContext(ctx, `INSERT INTO bench.event VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`) //nolint:sqlclosecheck // it lives as long as the program
	if err != nil {
		return nil, err
	}
	body := []byte(strings.Repeat("event ", 80))
	hash := sha256.Sum256(body)
	return []Case{
		{Name: fmt.Sprintf("append at %d writers", writers), Workers: writers, PIDs: append(s.pids("audit-svc"), s.postgres()), Do: func(ctx context.Context, w, n int) error {
			_, err := client.Append(ctx, &auditv1.AppendRequest{Events: []*auditv1.Event{s.event(n)}})
			return err
		}},
		{Name: fmt.Sprintf("one INSERT each at %d writers", writers), Workers: writers, PIDs: []int{s.postgres()}, Do: func(ctx context.Context, w, n int) error {
			id, err := uuid.NewV7()
			if err == nil {
				_, err = insert.ExecContext(ctx, id, time.Now(), "record.view", s.large[n%each], "staff", practice, body, hash[:])
			}
			return err
		}},
	}, nil
}

// event is one like a view's.
func (s *Suite) event(n int) *auditv1.Event {
	return &auditv1.Event{
		Id: uuid.Must(uuid.NewV7()).String(), OccurredAt: timestamppb.Now(), Action: "record.view", Outcome: auditv1.Outcome_OUTCOME_RELEASED,
		Actor: &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_STAFF, StaffId: "01a203bb-25dc-71d1-abd3-4f3c65cd7304", Display: "Bench",
			RoleCode: "R0260", OdsCode: practice, Issuer: s.stack.IssuerURL(), Subject: s.gp.Subject},
		NhsNumber:  s.large[n%each],
		Basis:      &auditv1.Basis{Purpose: "direct_care", Rpc: "/dcr.gateway.v1.RecordService/GetRecord", RelationshipKind: "gp_registration"},
		Disclosure: &auditv1.Disclosure{Entries: 100, SourceOdsCodes: []string{practice, "R0D", "RBD", "RDY"}, Sha256: make([]byte, 32)},
	}
}

// ingest is (d): resources of bundles that make new versions, beside multi-row INSERTs of the same resources.
func (s *Suite) ingest(ctx context.Context) ([]Case, error) {
	token, err := s.stack.SystemToken(ctx, practice)
	if err != nil {
		return nil, err
	}
	perBundle := largeSize/4 + 1
	next := time.Now()
	fresh := func(n int) county.Bundle {
		next = next.Add(time.Millisecond)
		return bundleOf(s.fed[n%feedPeople], practice, largeSize/4, 0, next)
	}
	insert, err := s.db.PrepareContext(ctx, `INSERT INTO bench.resource SELECT $1, i.id, now(), i.raw, sha256(i.raw::bytea) FROM unnest($2::text[], $3::text[]) AS i (id, raw)`) //nolint:sqlclosecheck // it lives as long as the program
	if err != nil {
		return nil, err
	}
	return []Case{
		{Name: "bundles over REST", Workers: 1, PIDs: s.servers(), PerOp: perBundle, Do: func(ctx context.Context, _, n int) error {
			answer, err := s.rest.Submit(ctx, token, fresh(n).JSON)
			if err != nil {
				return err
			}
			return answer.Err()
		}},
		{Name: "multi-row INSERT", Workers: 1, PIDs: []int{s.postgres()}, PerOp: perBundle, Do: func(ctx context.Context, _, n int) error {
			ids, raws, err := split(fresh(n).JSON)
			if err == nil {
				_, err = insert.ExecContext(ctx, s.fed[n%feedPeople].NHSNumber, pq.Array(ids), pq.Array(raws))
			}
			return err
		}},
	}, nil
}

// split takes a bundle's resources apart, as anybody must who stores them one by one.
func split(bundle []byte) (ids, raws []string, err error) {
	var b struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.Unmarshal(bundle, &b); err != nil {
		return nil, nil, err
	}
	for _, e := range b.Entry {
		var head struct{ ID string }
		if err := json.Unmarshal(e.Resource, &head); err != nil {
			return nil, nil, err
		}
		ids, raws = append(ids, head.ID), append(raws, string(e.Resource))
	}
	return ids, raws, nil
}
