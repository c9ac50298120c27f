package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// CreateStaff adds a member, with roles.
func (d *directoryAdmin) CreateStaff(ctx context.Context, req *identityv1.CreateStaffRequest) (*identityv1.CreateStaffResponse, error) {
	in := req.GetStaff()
	member := store.Staff{Issuer: in.GetIssuer(), Subject: in.GetSubject(), Name: strings.TrimSpace(in.GetName())}
	own, err := checkStaff(in, member.Name)
	if err != nil {
		return nil, err
	}
	switch {
	case !validText(member.Issuer, 512):
		return nil, invalid("staff.issuer", "The issuer of the sign-in is needed.")
	case !validText(member.Subject, 256):
		return nil, invalid("staff.subject", "The subject of the sign-in is needed.")
	}
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.CreateStaffResponse, accounting.Change, error) {
		if _, err := d.store.StaffBySignIn(ctx, tx, member.Issuer, member.Subject); err == nil {
			return nil, accounting.Change{}, staffExists()
		} else if !errors.Is(err, store.ErrNone) {
			return nil, accounting.Change{}, err
		}
		made := member
		id, err := d.newID()
		if err != nil {
			return nil, accounting.Change{}, fmt.Errorf("make staff id: %w", err)
		}
		made.ID = id.String()
		for i, r := range in.GetRoles() {
			role, err := d.newRole(ctx, tx, made.ID, r, fmt.Sprintf("staff.roles[%d]", i))
			if err != nil {
				return nil, accounting.Change{}, err
			}
			made.Roles = append(made.Roles, role)
		}
		if err := staffRefusal(d.store.AddStaff(ctx, tx, made, own)); err != nil {
			return nil, accounting.Change{}, err
		}
		stored, did, err := d.asStored(ctx, tx, made.ID, "created")
		return &identityv1.CreateStaffResponse{Staff: stored}, did, err
	})
}

// UpdateStaff changes the name and the own NHS number. That number is never told, so who sends back what
// they read sends none: it is removed only where own_nhs_number_known is false as well.
func (d *directoryAdmin) UpdateStaff(ctx context.Context, req *identityv1.UpdateStaffRequest) (*identityv1.UpdateStaffResponse, error) {
	in := req.GetStaff()
	name := strings.TrimSpace(in.GetName())
	own, err := checkStaff(in, name)
	if err != nil {
		return nil, err
	}
	if !isUUID(in.GetId()) {
		return nil, staffNotFound()
	}
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.UpdateStaffResponse, accounting.Change, error) {
		member, err := d.activeStaff(ctx, tx, in.GetId())
		if err != nil {
			return nil, accounting.Change{}, err
		}
		if member.Version != in.GetVersion() {
			return nil, accounting.Change{}, versionChanged()
		}
		member.Name = name
		setOwn := own != "" || !in.GetOwnNhsNumberKnown()
		if err := d.put(ctx, tx, member, setOwn, own); err != nil {
			return nil, accounting.Change{}, err
		}
		stored, did, err := d.asStored(ctx, tx, member.ID, "changed")
		return &identityv1.UpdateStaffResponse{Staff: stored}, did, err
	})
}

// AddStaffRole adds a role.
func (d *directoryAdmin) AddStaffRole(ctx context.Context, req *identityv1.AddStaffRoleRequest) (*identityv1.AddStaffRoleResponse, error) {
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.AddStaffRoleResponse, accounting.Change, error) {
		member, err := d.activeStaff(ctx, tx, req.GetStaffId())
		if err != nil {
			return nil, accounting.Change{}, err
		}
		role, err := d.newRole(ctx, tx, member.ID, req.GetRole(), "role")
		if err != nil {
			return nil, accounting.Change{}, err
		}
		if err := d.put(ctx, tx, member, false, ""); err != nil {
			return nil, accounting.Change{}, err
		}
		if err := staffRefusal(d.store.AddRole(ctx, tx, role)); err != nil {
			return nil, accounting.Change{}, err
		}
		stored, did, err := d.asStored(ctx, tx, member.ID, "role added")
		return &identityv1.AddStaffRoleResponse{Staff: stored}, did, err
	})
}

// EndStaffRole ends a role; the next question for facts sees it.
func (d *directoryAdmin) EndStaffRole(ctx context.Context, req *identityv1.EndStaffRoleRequest) (*identityv1.EndStaffRoleResponse, error) {
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.EndStaffRoleResponse, accounting.Change, error) {
		member, err := d.activeStaff(ctx, tx, req.GetStaffId())
		if err != nil {
			return nil, accounting.Change{}, err
		}
		if !holds(member, req.GetRoleId()) {
			return nil, accounting.Change{}, fault.NotFound("ROLE_NOT_FOUND", "The member holds no such role.")
		}
		if err := d.put(ctx, tx, member, false, ""); err != nil {
			return nil, accounting.Change{}, err
		}
		if err := d.store.EndRole(ctx, tx, member.ID, req.GetRoleId(), d.now()); err != nil {
			return nil, accounting.Change{}, err
		}
		stored, did, err := d.asStored(ctx, tx, member.ID, "role ended")
		return &identityv1.EndStaffRoleResponse{Staff: stored}, did, err
	})
}

// EndStaff ends a member and every role; the next question for facts sees it.
func (d *directoryAdmin) EndStaff(ctx context.Context, req *identityv1.EndStaffRequest) (*identityv1.EndStaffResponse, error) {
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.EndStaffResponse, accounting.Change, error) {
		member, err := d.activeStaff(ctx, tx, req.GetStaffId())
		if err != nil {
			return nil, accounting.Change{}, err
		}
		now := d.now()
		member.EndedAt = &now
		if err := d.put(ctx, tx, member, false, ""); err != nil {
			return nil, accounting.Change{}, err
		}
		if err := d.store.EndRoles(ctx, tx, member.ID, now); err != nil {
			return nil, accounting.Change{}, err
		}
		stored, did, err := d.asStored(ctx, tx, member.ID, "ended")
		return &identityv1.EndStaffResponse{Staff: stored}, did, err
	})
}

// put changes the row that was read; another change since then makes it VERSION_CHANGED.
func (d *directoryAdmin) put(ctx context.Context, tx *sqlx.Tx, member store.Staff, setOwn bool, own string) error {
	err := d.store.PutStaff(ctx, tx, member, setOwn, own)
	if errors.Is(err, store.ErrNone) {
		return versionChanged()
	}
	return err
}

// asStored reads the member back.
func (d *directoryAdmin) asStored(ctx context.Context, tx *sqlx.Tx, id, summary string) (*identityv1.Staff, accounting.Change, error) {
	member, err := d.store.StaffByID(ctx, tx, id)
	return staffOf(member), accounting.Change{Resource: "staff", ID: id, Summary: summary}, err
}

// newRole reads a role that is to be added; field names it in a refusal.
func (d *directoryAdmin) newRole(ctx context.Context, tx *sqlx.Tx, staffID string, in *identityv1.StaffRole, field string) (store.Role, error) {
	if !d.codes.ValidRole(in.GetRoleCode()) {
		return store.Role{}, invalid(field+".role_code", "A role code has 2 to 32 capitals, digits and hyphens.")
	}
	if in.GetStartsAt() != nil && !in.GetStartsAt().IsValid() {
		return store.Role{}, invalid(field+".starts_at", "This is an instant.")
	}
	if _, err := d.store.Organisation(ctx, tx, in.GetOdsCode()); errors.Is(err, store.ErrNone) {
		return store.Role{}, organisationNotFound()
	} else if err != nil {
		return store.Role{}, err
	}
	id, err := d.newID()
	if err != nil {
		return store.Role{}, fmt.Errorf("make role id: %w", err)
	}
	starts := d.now()
	if at := moment(in.GetStartsAt()); at != nil {
		starts = *at
	}
	return store.Role{ID: id.String(), StaffID: staffID, RoleCode: in.GetRoleCode(), ODSCode: in.GetOdsCode(), StartsAt: starts}, nil
}

// checkStaff checks what can be changed, and gives the own NHS number.
func checkStaff(in *identityv1.Staff, name string) (string, error) {
	if !validText(name, maxName) {
		return "", invalid("staff.name", "A name has 1 to 200 characters.")
	}
	if in.GetOwnNhsNumber() == "" {
		return "", nil
	}
	return parseNumber("staff.own_nhs_number", in.GetOwnNhsNumber())
}

// staffRefusal names what a violated constraint means; two calls at once get here.
func staffRefusal(err error) error {
	switch {
	case postgres.Violates(err, "staff_sign_in"):
		return staffExists()
	case postgres.Violates(err, "staff_role_held"):
		return fault.Duplicate("ROLE_EXISTS", "The member holds this role at this organisation.")
	case postgres.Violates(err, "staff_role_organisation"):
		return organisationNotFound()
	}
	return err
}

func staffExists() error {
	return fault.Duplicate("STAFF_EXISTS", "A member of staff is registered under this sign-in.")
}

func holds(member store.Staff, roleID string) bool {
	for _, r := range member.Roles {
		if r.ID == strings.ToLower(roleID) && r.EndedAt == nil {
			return true
		}
	}
	return false
}

// validText tells whether text is there, not too long, and of characters that can be shown.
func validText(text string, longest int) bool {
	if !utf8.ValidString(text) || strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > longest {
		return false
	}
	return !strings.ContainsFunc(text, unicode.IsControl)
}
