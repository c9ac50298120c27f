package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"
)

// feedWorkers is how many bundles are on their way at once.
const feedWorkers = 4

// seedSpace makes the request ids of seeding: the same step is the same request, so that a load that was
// interrupted is taken up again by loading again.
var seedSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://dorsetcarerecord/demonstration"))

func requestID(step string) string { return uuid.NewSHA1(seedSpace, []byte(step)).String() }

// Seed registers the county's organisations and staff, sends its feeds and registers its opt-outs, all
// through the gateway, as anybody else would. Seeding again changes nothing.
func (s *Stack) Seed(ctx context.Context) error {
	rest, err := NewREST(s.gateways[0].URL, s.CAFile())
	if err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context, *REST) error
	}{
		{"the first administrator", s.bootstrapAdministrator},
		{"organisations and staff", s.register},
		{"feeds", s.sendFeeds},
		{"opt-outs", s.registerOptOuts},
	} {
		s.say("loading %s", step.what)
		if err := step.do(ctx, rest); err != nil {
			return fmt.Errorf("load %s: %w", step.what, err)
		}
	}
	return nil
}

// bootstrapAdministrator makes the one member of staff whom nobody could have registered through the
// gateway, unless an earlier load did.
func (s *Stack) bootstrapAdministrator(ctx context.Context, rest *REST) error {
	admin, err := s.staffWith(county.AdministratorCode)
	if err != nil {
		return err
	}
	token, err := s.StaffToken(ctx, admin)
	if err != nil {
		return err
	}
	if answer, err := rest.Get(ctx, "/v1/me", token); err != nil || answer.Status == http.StatusOK {
		return err
	}
	home, _ := s.cfg.County.Organisation(admin.ODSCode)
	owner := postgres.OwnerRole("identity")
	cmd := exec.CommandContext(ctx, filepath.Join(s.cfg.BinDir, "identity-svc"), "bootstrap-admin",
		"--issuer", s.issuer.URL, "--subject", admin.Subject, "--name", admin.Name(),
		"--ods-code", admin.ODSCode, "--organisation-name", home.Name, "--role-code", admin.Role.Code)
	cmd.Env = []string{"DCR_MIGRATE_DATABASE_URL=" + s.db.url(owner, s.secrets.RolePasswords[owner])}
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("identity-svc bootstrap-admin: %w\n%s", err, text)
	}
	return nil
}

func (s *Stack) staffWith(roleCode string) (county.Staff, error) {
	for _, m := range s.cfg.County.Staff {
		if m.Role.Code == roleCode {
			return m, nil
		}
	}
	return county.Staff{}, fmt.Errorf("the county has nobody with role %s", roleCode)
}

// register adds organisations and staff, as the administrator.
func (s *Stack) register(ctx context.Context, rest *REST) error {
	admin, err := s.staffWith(county.AdministratorCode)
	if err != nil {
		return err
	}
	token, err := s.StaffToken(ctx, admin)
	if err != nil {
		return err
	}
	for _, o := range s.cfg.County.Organisations {
		if err := registerOrganisation(ctx, rest, token, organisationOf(o)); err != nil {
			return fmt.Errorf("organisation %s: %w", o.ODSCode, err)
		}
	}
	for _, m := range s.cfg.County.Staff {
		in := &gatewayv1.CreateStaffRequest{RequestId: requestID("staff " + m.Subject), Staff: &identityv1.Staff{
			Issuer: s.issuer.URL, Subject: m.Subject, Name: m.Name(), OwnNhsNumber: m.NHSNumber,
			Roles: []*identityv1.StaffRole{{RoleCode: m.Role.Code, OdsCode: m.ODSCode}},
		}}
		if err := post(ctx, rest, "/v1/staff", token, in, "STAFF_EXISTS"); err != nil {
			return fmt.Errorf("staff %s: %w", m.Subject, err)
		}
	}
	s.say("  %d organisations, %d members of staff", len(s.cfg.County.Organisations), len(s.cfg.County.Staff))
	return nil
}

// registerOrganisation adds an organisation. The administrator's own is there already, without its system.
func registerOrganisation(ctx context.Context, rest *REST, token string, o *identityv1.Organisation) error {
	in := &gatewayv1.CreateOrganisationRequest{RequestId: requestID("organisation " + o.GetOdsCode()), Organisation: o}
	answer, err := rest.Post(ctx, "/v1/organisations", token, in)
	if err != nil {
		return err
	}
	if answer.Reason() != "ORGANISATION_EXISTS" {
		return answer.Err()
	}
	path := "/v1/organisations/" + o.GetOdsCode()
	if answer, err = rest.Get(ctx, path, token); err != nil {
		return err
	}
	if err := answer.Err(); err != nil {
		return err
	}
	there := &gatewayv1.GetOrganisationResponse{}
	if err := protojson.Unmarshal(answer.Body, there); err != nil {
		return err
	}
	o.Version = there.GetOrganisation().GetVersion()
	answer, err = rest.Put(ctx, path, token, &gatewayv1.UpdateOrganisationRequest{RequestId: uuid.NewString(), OdsCode: o.GetOdsCode(), Organisation: o})
	if err != nil {
		return err
	}
	return answer.Err()
}

// organisationOf is an organisation as the register takes it.
func organisationOf(o county.Organisation) *identityv1.Organisation {
	kinds := map[county.Kind]identityv1.OrganisationKind{
		county.AcuteTrust:     identityv1.OrganisationKind_ORGANISATION_KIND_ACUTE_TRUST,
		county.CommunityTrust: identityv1.OrganisationKind_ORGANISATION_KIND_COMMUNITY_TRUST,
		county.AmbulanceTrust: identityv1.OrganisationKind_ORGANISATION_KIND_AMBULANCE_TRUST,
		county.LocalAuthority: identityv1.OrganisationKind_ORGANISATION_KIND_LOCAL_AUTHORITY,
		county.Commissioner:   identityv1.OrganisationKind_ORGANISATION_KIND_COMMISSIONER,
		county.GPPractice:     identityv1.OrganisationKind_ORGANISATION_KIND_GP_PRACTICE,
	}
	states := map[county.State]identityv1.OrganisationState{
		county.Participating: identityv1.OrganisationState_ORGANISATION_STATE_PARTICIPATING,
		county.Prospective:   identityv1.OrganisationState_ORGANISATION_STATE_PROSPECTIVE,
		county.OutOfArea:     identityv1.OrganisationState_ORGANISATION_STATE_OUT_OF_AREA,
	}
	return &identityv1.Organisation{
		OdsCode: o.ODSCode, Name: o.Name, Kind: kinds[o.Kind], State: states[o.State], ClientIds: []string{ClientID(o.ODSCode)},
	}
}

// sendFeeds sends every bundle of the county, as the system of the organisation that made it.
func (s *Stack) sendFeeds(ctx context.Context, rest *REST) error {
	tokens := map[string]string{}
	for _, p := range s.cfg.County.People {
		for _, b := range p.Bundles {
			if tokens[b.ODSCode] != "" {
				continue
			}
			token, err := s.SystemToken(ctx, b.ODSCode)
			if err != nil {
				return err
			}
			tokens[b.ODSCode] = token
		}
	}
	var sent, entries atomic.Int64
	err := inParallel(ctx, feedWorkers, s.cfg.County.People, func(ctx context.Context, p county.Person) error {
		for _, b := range p.Bundles {
			answer, err := rest.Submit(ctx, tokens[b.ODSCode], b.JSON)
			if err == nil {
				err = answer.Err()
			}
			if err != nil {
				return fmt.Errorf("bundle of %s: %w", b.ODSCode, err)
			}
			entries.Add(int64(b.Entries))
			if n := sent.Add(1); n%100 == 0 {
				s.say("  %d bundles, %d resources", n, entries.Load())
			}
		}
		return nil
	})
	s.say("  %d bundles, %d resources in all", sent.Load(), entries.Load())
	return err
}

// inParallel works through items with n workers and returns the first errors.
func inParallel[T any](ctx context.Context, n int, items []T, do func(context.Context, T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan T)
	errs := make([]error, n)
	var workers sync.WaitGroup
	for w := range n {
		workers.Go(func() {
			for item := range queue {
				if errs[w] = do(ctx, item); errs[w] != nil {
					cancel()
					return
				}
			}
		})
	}
feed:
	for _, item := range items {
		select {
		case queue <- item:
		case <-ctx.Done():
			break feed
		}
	}
	close(queue)
	workers.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// post sends a mutation; a refusal that says it was done before is as good as doing it.
func post(ctx context.Context, rest *REST, path, token string, in proto.Message, done string) error {
	answer, err := rest.Post(ctx, path, token, in)
	if err != nil {
		return err
	}
	if answer.Reason() == done {
		return nil
	}
	return answer.Err()
}
