package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/directory"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/outbox"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// BootstrapAdmin is the command that makes the first administrator, since all others are made by one. It
// needs the schema owner's URL, which no service has, and works once: while somebody holds the role it is
// refused. Its audit event waits in the outbox, and is delivered when identity-svc runs.
type BootstrapAdmin struct {
	Owner
	Issuer           string `name:"issuer" required:"" help:"Issuer of the administrator's sign-in."`
	Subject          string `name:"subject" required:"" help:"Subject of the administrator at that issuer."`
	Name             string `name:"name" required:"" help:"Name to show."`
	ODSCode          string `name:"ods-code" required:"" help:"Organisation at which the administrator acts; registered as a commissioner when it is not yet."`
	OrganisationName string `name:"organisation-name" help:"Name of that organisation when it is registered now; its code when empty."`
	RoleCode         string `name:"role-code" default:"DCR-ADMIN" help:"Role code of administrators: a local one, since there is no national one."`
}

// Run makes the administrator.
func (b *BootstrapAdmin) Run(ctx context.Context) (err error) {
	codes := directory.NewCodes()
	switch {
	case !codes.ValidODS(b.ODSCode):
		return errors.New("--ods-code is no ODS code: 2 to 16 capitals and digits")
	case !codes.ValidRole(b.RoleCode):
		return errors.New("--role-code is no role code: 2 to 32 capitals, digits and hyphens")
	case b.Issuer == "" || b.Subject == "" || b.Name == "":
		return errors.New("--issuer, --subject and --name must not be empty")
	}
	db, err := postgres.OpenOwner(ctx, b.URL, store.Schema)
	if err != nil {
		return fmt.Errorf("bootstrap administrator: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := store.New(ctx, db)
	if err != nil {
		return fmt.Errorf("bootstrap administrator: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var id string
	if err := s.InTx(ctx, func(tx *sqlx.Tx) error {
		var err error
		id, err = b.admit(ctx, tx, s)
		return err
	}); err != nil {
		return fmt.Errorf("bootstrap administrator: %w", err)
	}
	fmt.Fprintln(os.Stdout, "made administrator", id)
	return nil
}

// admit makes organisation, member and role, and writes the event.
func (b *BootstrapAdmin) admit(ctx context.Context, tx *sqlx.Tx, s *store.Store) (string, error) {
	// The lock also makes two commands at once take turns, so that the second finds the first one's work.
	if err := s.LockDirectory(ctx, tx); err != nil {
		return "", err
	}
	n, err := s.Administrators(ctx, tx, b.RoleCode)
	if err != nil {
		return "", err
	}
	if n > 0 {
		return "", errors.New("there is an administrator already, who can make others")
	}
	if err := b.organisation(ctx, tx, s); err != nil {
		return "", err
	}
	id, err := b.member(ctx, tx, s)
	if err != nil {
		return "", err
	}
	return id, b.account(ctx, tx, id)
}

// organisation registers the administrator's organisation unless it is there.
func (b *BootstrapAdmin) organisation(ctx context.Context, tx *sqlx.Tx, s *store.Store) error {
	_, err := s.Organisation(ctx, tx, b.ODSCode)
	if !errors.Is(err, store.ErrNone) {
		return err
	}
	const commissioner = 5 // OrganisationKind of the contract
	o := store.Organisation{ODSCode: b.ODSCode, Name: b.OrganisationName, Kind: commissioner, State: int16(directory.Participating)}
	if o.Name == "" {
		o.Name = b.ODSCode
	}
	now := clock().UTC()
	o.ActiveFrom = &now
	return s.AddOrganisation(ctx, tx, o)
}

// member gives the role to who signs in that way, whom it makes when they are not there yet.
func (b *BootstrapAdmin) member(ctx context.Context, tx *sqlx.Tx, s *store.Store) (string, error) {
	roleID, err := newID()
	if err != nil {
		return "", err
	}
	role := store.Role{ID: roleID.String(), RoleCode: b.RoleCode, ODSCode: b.ODSCode, StartsAt: clock().UTC()}
	found, err := s.StaffBySignIn(ctx, tx, b.Issuer, b.Subject)
	switch {
	case err == nil && found.EndedAt != nil:
		return "", errors.New("this member of staff has left: name another sign-in")
	case err == nil:
		role.StaffID = found.ID
		return found.ID, s.AddRole(ctx, tx, role)
	case !errors.Is(err, store.ErrNone):
		return "", err
	}
	id, err := newID()
	if err != nil {
		return "", err
	}
	role.StaffID = id.String()
	return role.StaffID, s.AddStaff(ctx, tx, store.Staff{
		ID: role.StaffID, Issuer: b.Issuer, Subject: b.Subject, Name: b.Name, Roles: []store.Role{role},
	}, "")
}

// account writes the event of what this command did.
func (b *BootstrapAdmin) account(ctx context.Context, tx *sqlx.Tx, staffID string) error {
	id, err := newID()
	if err != nil {
		return err
	}
	message, err := accounting.Message(&auditv1.Event{
		Id: id.String(), OccurredAt: timestamppb.New(timeOf(id)), Action: "staff.bootstrap",
		Outcome: auditv1.Outcome_OUTCOME_CHANGED,
		Actor:   &auditv1.Actor{Kind: auditv1.ActorKind_ACTOR_KIND_SERVICE, Display: name + " bootstrap-admin", OdsCode: b.ODSCode},
		Basis:   &auditv1.Basis{Purpose: "administration"},
		Change:  &auditv1.Change{Resource: "staff", Id: staffID, Summary: "first administrator made"},
	})
	if err != nil {
		return err
	}
	return outbox.Put(ctx, tx, message)
}

// timeOf is the time that a UUIDv7 names.
func timeOf(id uuid.UUID) time.Time {
	seconds, nanos := id.Time().UnixTime()
	return time.Unix(seconds, nanos)
}
