package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Staff is one member of staff. The own NHS number is written and compared, and never read.
type Staff struct {
	ID       string     `db:"id"`
	Issuer   string     `db:"issuer"`
	Subject  string     `db:"subject"`
	Name     string     `db:"name"`
	OwnKnown bool       `db:"own_known"`
	EndedAt  *time.Time `db:"ended_at"`
	Version  int64      `db:"version"`
	Roles    []Role     `db:"-"`
}

// Role is one role at one organisation.
type Role struct {
	ID       string     `db:"id"`
	StaffID  string     `db:"staff_id"`
	RoleCode string     `db:"role_code"`
	ODSCode  string     `db:"ods_code"`
	StartsAt time.Time  `db:"starts_at"`
	EndedAt  *time.Time `db:"ended_at"`
}

const staffColumns = `s.id, s.issuer, s.subject, s.name, s.own_nhs_number IS NOT NULL AS own_known, s.ended_at, s.version`

const (
	selectStaff         = `SELECT ` + staffColumns + ` FROM staff s WHERE s.id = $1`
	selectStaffBySignIn = `SELECT ` + staffColumns + ` FROM staff s WHERE s.issuer = $1 AND s.subject = $2`
	selectRoles         = `
SELECT r.id, r.staff_id, r.role_code, r.ods_code, r.starts_at, r.ended_at
FROM staff_role r WHERE r.staff_id = ANY ($1) ORDER BY r.starts_at, r.id`
)

// StaffByID reads one with roles; ErrNone when there is none.
func (s *Store) StaffByID(ctx context.Context, tx *sqlx.Tx, id string) (Staff, error) {
	return s.oneStaff(ctx, tx, selectStaff, id)
}

// StaffBySignIn reads one with roles; ErrNone when there is none.
func (s *Store) StaffBySignIn(ctx context.Context, tx *sqlx.Tx, issuer, subject string) (Staff, error) {
	return s.oneStaff(ctx, tx, selectStaffBySignIn, issuer, subject)
}

func (s *Store) oneStaff(ctx context.Context, tx *sqlx.Tx, text string, args ...any) (Staff, error) {
	var one Staff
	if err := s.get(ctx, tx, "read staff", &one, text, args...); err != nil {
		return Staff{}, s.leave(tx, err)
	}
	all := []Staff{one}
	err := s.withRoles(ctx, tx, all)
	return all[0], s.leave(tx, err)
}

const selectStaffPage = `
SELECT ` + staffColumns + `
FROM staff s
WHERE s.id > $2::uuid AND ($1 = '' OR EXISTS (SELECT FROM staff_role r WHERE r.ods_code = $1 AND r.staff_id = s.id))
ORDER BY s.id LIMIT $3`

// StaffPage reads a page by id, of those who hold or held a role at the organisation when one is given.
func (s *Store) StaffPage(ctx context.Context, odsCode, afterID string, limit int) ([]Staff, error) {
	var page []Staff
	if err := s.list(ctx, nil, "list staff", &page, selectStaffPage, odsCode, afterID, limit); err != nil {
		return nil, postgres.Translate(err)
	}
	return page, postgres.Translate(s.withRoles(ctx, nil, page))
}

// withRoles reads the roles of all in one statement.
func (s *Store) withRoles(ctx context.Context, tx *sqlx.Tx, all []Staff) error {
	ids := make(pq.StringArray, len(all))
	at := make(map[string]int, len(all))
	for i, one := range all {
		ids[i], at[one.ID] = one.ID, i
	}
	var roles []Role
	if err := s.list(ctx, tx, "read roles", &roles, selectRoles, ids); err != nil {
		return err
	}
	for _, r := range roles {
		one := &all[at[r.StaffID]]
		one.Roles = append(one.Roles, r)
	}
	return nil
}

// leave translates an error that leaves the store, and none inside a transaction.
func (s *Store) leave(tx *sqlx.Tx, err error) error {
	if tx != nil {
		return err
	}
	return postgres.Translate(err)
}

const insertStaff = `
INSERT INTO staff (id, issuer, subject, name, own_nhs_number) VALUES ($1, $2, $3, $4, nullif($5, ''))`

// AddStaff adds one, with roles.
func (s *Store) AddStaff(ctx context.Context, tx *sqlx.Tx, one Staff, ownNHSNumber string) error {
	if _, err := s.exec(ctx, tx, "add staff", insertStaff, one.ID, one.Issuer, one.Subject, one.Name, ownNHSNumber); err != nil {
		return err
	}
	for _, r := range one.Roles {
		if err := s.AddRole(ctx, tx, r); err != nil {
			return err
		}
	}
	return nil
}

const updateStaff = `
UPDATE staff SET name = $2, ended_at = $3, own_nhs_number = CASE WHEN $4 THEN nullif($5, '') ELSE own_nhs_number END,
       version = version + 1
WHERE id = $1 AND version = $6`

// PutStaff changes one that is at the given version; ErrNone when it is not. The own number is replaced
// only when setOwn.
func (s *Store) PutStaff(ctx context.Context, tx *sqlx.Tx, one Staff, setOwn bool, ownNHSNumber string) error {
	n, err := s.exec(ctx, tx, "change staff", updateStaff, one.ID, one.Name, one.EndedAt, setOwn, ownNHSNumber, one.Version)
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

const insertRole = `INSERT INTO staff_role (id, staff_id, role_code, ods_code, starts_at) VALUES ($1, $2, $3, $4, $5)`

// AddRole adds a role.
func (s *Store) AddRole(ctx context.Context, tx *sqlx.Tx, r Role) error {
	_, err := s.exec(ctx, tx, "add role", insertRole, r.ID, r.StaffID, r.RoleCode, r.ODSCode, r.StartsAt)
	return err
}

const (
	endRole  = `UPDATE staff_role SET ended_at = $3 WHERE staff_id = $1 AND id = $2 AND ended_at IS NULL`
	endRoles = `UPDATE staff_role SET ended_at = $2 WHERE staff_id = $1 AND ended_at IS NULL`
)

// EndRole ends a role.
func (s *Store) EndRole(ctx context.Context, tx *sqlx.Tx, staffID, roleID string, at time.Time) error {
	_, err := s.exec(ctx, tx, "end role", endRole, staffID, roleID, at)
	return err
}

// EndRoles ends every role of a member.
func (s *Store) EndRoles(ctx context.Context, tx *sqlx.Tx, staffID string, at time.Time) error {
	_, err := s.exec(ctx, tx, "end roles", endRoles, staffID, at)
	return err
}

const selectAdministrators = `
SELECT count(*) FROM staff_role r JOIN staff s ON s.id = r.staff_id
WHERE r.role_code = $1 AND r.ended_at IS NULL AND s.ended_at IS NULL`

// Administrators counts those who hold a role now.
func (s *Store) Administrators(ctx context.Context, tx *sqlx.Tx, roleCode string) (int, error) {
	var n int
	err := s.get(ctx, tx, "count administrators", &n, selectAdministrators, roleCode)
	return n, err
}
