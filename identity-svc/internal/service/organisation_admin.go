package service

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/directory"
	"github.com/dorsetcarerecord/dcr/identity-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/internal/accounting"
	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

const (
	maxName    = 200
	maxClients = 50
)

// directoryAdmin implements DirectoryAdminService.
type directoryAdmin struct {
	identityv1.UnimplementedDirectoryAdminServiceServer
	*core
}

// CreateOrganisation adds one, in any state: organisations that have ended are registered too, so that
// what they hold passes to their successors.
func (d *directoryAdmin) CreateOrganisation(ctx context.Context, req *identityv1.CreateOrganisationRequest) (*identityv1.CreateOrganisationResponse, error) {
	o, err := d.newOrganisation(req.GetOrganisation())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.CreateOrganisationResponse, accounting.Change, error) {
		if err := d.store.LockDirectory(ctx, tx); err != nil {
			return nil, accounting.Change{}, err
		}
		if _, err := d.store.Organisation(ctx, tx, o.ODSCode); err == nil {
			return nil, accounting.Change{}, fault.Duplicate("ORGANISATION_EXISTS", "An organisation is registered under this code.")
		} else if !errors.Is(err, store.ErrNone) {
			return nil, accounting.Change{}, err
		}
		made, err := d.write(ctx, tx, o, d.store.AddOrganisation)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		return &identityv1.CreateOrganisationResponse{Organisation: made}, organisationChange(o, "created"), nil
	})
}

// UpdateOrganisation changes what is neither its code nor its state.
func (d *directoryAdmin) UpdateOrganisation(ctx context.Context, req *identityv1.UpdateOrganisationRequest) (*identityv1.UpdateOrganisationResponse, error) {
	wanted, err := d.readOrganisation(req.GetOrganisation())
	if err != nil {
		return nil, err
	}
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.UpdateOrganisationResponse, accounting.Change, error) {
		o, err := d.lockOrganisation(ctx, tx, wanted.ODSCode)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		if o.Version != req.GetOrganisation().GetVersion() {
			return nil, accounting.Change{}, versionChanged()
		}
		o.Name, o.Kind, o.Successor = wanted.Name, wanted.Kind, wanted.Successor
		o.ClientIDs, o.IgnoreUnsupported = wanted.ClientIDs, wanted.IgnoreUnsupported
		made, err := d.write(ctx, tx, o, d.store.PutOrganisation)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		return &identityv1.UpdateOrganisationResponse{Organisation: made}, organisationChange(o, "changed"), nil
	})
}

// ActivateOrganisation lets a prospective one take part from an instant. Until then it stays prospective,
// and can be given another instant.
func (d *directoryAdmin) ActivateOrganisation(ctx context.Context, req *identityv1.ActivateOrganisationRequest) (*identityv1.ActivateOrganisationResponse, error) {
	if req.GetActiveFrom() != nil && !req.GetActiveFrom().IsValid() {
		return nil, invalid("active_from", "This is an instant.")
	}
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.ActivateOrganisationResponse, accounting.Change, error) {
		o, err := d.lockOrganisation(ctx, tx, req.GetOdsCode())
		if err != nil {
			return nil, accounting.Change{}, err
		}
		now := d.now()
		if directory.At(directory.State(o.State), o.ActiveFrom, now) != directory.Prospective {
			return nil, accounting.Change{}, fault.Precondition("NOT_PROSPECTIVE", "Only a prospective organisation can be activated.")
		}
		from := &now
		if req.GetActiveFrom() != nil {
			from = moment(req.GetActiveFrom())
		}
		o.State, o.ActiveFrom = int16(directory.Participating), from
		made, err := d.write(ctx, tx, o, d.store.PutOrganisation)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		return &identityv1.ActivateOrganisationResponse{Organisation: made}, organisationChange(o, "activated"), nil
	})
}

// EndOrganisation ends its part from now on. Ended again, it changes its successor at most.
func (d *directoryAdmin) EndOrganisation(ctx context.Context, req *identityv1.EndOrganisationRequest) (*identityv1.EndOrganisationResponse, error) {
	return mutate(ctx, d.core, req, func(tx *sqlx.Tx) (*identityv1.EndOrganisationResponse, accounting.Change, error) {
		o, err := d.lockOrganisation(ctx, tx, req.GetOdsCode())
		if err != nil {
			return nil, accounting.Change{}, err
		}
		if directory.State(o.State) != directory.Ended {
			now := d.now()
			o.State, o.EndedAt = int16(directory.Ended), &now
		}
		if req.GetSuccessorOdsCode() != "" {
			o.Successor = strings.ToUpper(req.GetSuccessorOdsCode())
		}
		made, err := d.write(ctx, tx, o, d.store.PutOrganisation)
		if err != nil {
			return nil, accounting.Change{}, err
		}
		return &identityv1.EndOrganisationResponse{Organisation: made}, organisationChange(o, "ended"), nil
	})
}

func (d *directoryAdmin) lockOrganisation(ctx context.Context, tx *sqlx.Tx, odsCode string) (store.Organisation, error) {
	if err := d.store.LockDirectory(ctx, tx); err != nil {
		return store.Organisation{}, err
	}
	o, err := d.store.Organisation(ctx, tx, odsCode)
	if errors.Is(err, store.ErrNone) {
		return o, organisationNotFound()
	}
	return o, err
}

// write stores an organisation and reads it back as it stands.
func (d *directoryAdmin) write(ctx context.Context, tx *sqlx.Tx, o store.Organisation, put func(context.Context, *sqlx.Tx, store.Organisation) error) (*identityv1.Organisation, error) {
	if err := d.checkSuccessor(ctx, tx, o); err != nil {
		return nil, err
	}
	if err := put(ctx, tx, o); err != nil {
		if postgres.Violates(err, "organisation_client_pkey") {
			return nil, fault.Duplicate("CLIENT_ID_TAKEN", "One of the clients belongs to another organisation.")
		}
		return nil, err
	}
	stored, err := d.store.Organisation(ctx, tx, o.ODSCode)
	if err != nil {
		return nil, err
	}
	return organisationOf(stored, d.now()), nil
}

// checkSuccessor wants a registered one, and no ring: nobody would be at its end.
func (d *directoryAdmin) checkSuccessor(ctx context.Context, tx *sqlx.Tx, o store.Organisation) error {
	seen := map[string]bool{o.ODSCode: true}
	for next := o.Successor; next != ""; {
		if seen[next] {
			return invalid("successor_ods_code", "An organisation does not come after itself.")
		}
		seen[next] = true
		s, err := d.store.Organisation(ctx, tx, next)
		if errors.Is(err, store.ErrNone) {
			return organisationNotFound()
		}
		if err != nil {
			return err
		}
		next = s.Successor
	}
	return nil
}

// newOrganisation reads one that is to be added.
func (d *directoryAdmin) newOrganisation(in *identityv1.Organisation) (store.Organisation, error) {
	o, err := d.readOrganisation(in)
	if err != nil {
		return o, err
	}
	now := d.now()
	o.State, o.ActiveFrom, o.EndedAt = int16(in.GetState()), moment(in.GetActiveFrom()), moment(in.GetEndedAt())
	switch state := directory.State(o.State); {
	case state < directory.Participating || state > directory.Ended:
		return o, invalid("organisation.state", "An organisation is added with its state.")
	case state != directory.Ended && o.EndedAt != nil:
		return o, invalid("organisation.ended_at", "Only an organisation that ended has an end.")
	case state == directory.Ended && o.EndedAt == nil:
		o.EndedAt = &now
	case state == directory.Participating && o.ActiveFrom == nil:
		o.ActiveFrom = &now
	case state == directory.Prospective && o.ActiveFrom != nil:
		// A date makes it take part then: the same as adding it, and then activating it from the date.
		o.State = int16(directory.Participating)
	}
	return o, nil
}

// readOrganisation reads the parts that can be changed.
func (d *directoryAdmin) readOrganisation(in *identityv1.Organisation) (store.Organisation, error) {
	o := store.Organisation{
		ODSCode: strings.ToUpper(strings.TrimSpace(in.GetOdsCode())), Name: strings.TrimSpace(in.GetName()),
		Kind: int16(in.GetKind()), Successor: strings.ToUpper(strings.TrimSpace(in.GetSuccessorOdsCode())),
		IgnoreUnsupported: in.GetIgnoreUnsupported(), ClientIDs: slices.Compact(slices.Sorted(slices.Values(in.GetClientIds()))),
	}
	_, kindKnown := identityv1.OrganisationKind_name[int32(in.GetKind())]
	switch {
	case !d.codes.ValidODS(o.ODSCode):
		return o, invalid("organisation.ods_code", "An ODS code has 2 to 16 capitals and digits.")
	case !validText(o.Name, maxName):
		return o, invalid("organisation.name", "A name has 1 to 200 characters.")
	case !kindKnown || o.Kind == 0:
		return o, invalid("organisation.kind", "An organisation has a kind.")
	case len(o.ClientIDs) > maxClients || slices.ContainsFunc(o.ClientIDs, func(id string) bool { return !validText(id, 256) }):
		return o, invalid("organisation.client_ids", "At most 50 client ids of 1 to 256 characters.")
	}
	return o, nil
}

func organisationChange(o store.Organisation, summary string) accounting.Change {
	return accounting.Change{Resource: "organisation", ID: o.ODSCode, Summary: summary}
}
