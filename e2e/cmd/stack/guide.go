package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// cast are the people of the calls to try.
type cast struct {
	manifest           *stack.Manifest
	paramedic          *stack.StaffEntry // cares for person
	stranger           *stack.StaffEntry // does not
	holder             *stack.StaffEntry // cares for sealed
	officer, guardian  *stack.StaffEntry
	colleague          *stack.StaffEntry // cares for people where the officer is
	person, sealed     string            // NHS numbers: of somebody with much in every section, of somebody who opted out
	system, systemCode string            // token and ODS code of a partner's system
}

// castOf finds them in a county.
func castOf(m *stack.Manifest) (*cast, error) {
	c := &cast{manifest: m, officer: withRole(m, "R0001"), guardian: withRole(m, "R5105")}
	c.paramedic, c.person = caring(m, "R1070", "rich")
	c.holder, c.sealed = caring(m, "", "opted_out")
	c.stranger = unrelated(m, c.person)
	if c.officer != nil {
		c.colleague = careAt(m, c.officer.ODSCode)
	}
	for _, s := range m.Systems {
		if s.ODSCode == "RYF" {
			c.system, c.systemCode = s.Token, s.ODSCode
		}
	}
	if c.paramedic == nil || c.holder == nil || c.stranger == nil || c.officer == nil || c.guardian == nil || c.colleague == nil {
		return nil, errors.New("the county lacks somebody for the calls to try")
	}
	return c, nil
}

// printGuide tells what is running and what to try. Each call works when pasted into a shell.
func printGuide(out io.Writer, file string, m *stack.Manifest) error {
	fmt.Fprintf(out, "\nThe suite is up.\n  REST  %s\n  gRPC  %s\n  witness of the audit log  %s/status\n  all tokens, people and addresses: %s\n", m.GatewayURL, m.GatewayGRPC, m.Audit.WitnessURL, file)
	c, err := castOf(m)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nTry (each works when pasted; `make env` prints the same as shell variables; Ctrl-C here stops everything):")
	for _, call := range []struct{ what, token, path string }{
		{"a paramedic opens the combined record", c.paramedic.Token, "/v1/patients/" + c.person + "/record"},
		{"somebody without a care relationship is refused", c.stranger.Token, "/v1/patients/" + c.person + "/record"},
		{"somebody who opted out is shown to nobody", c.holder.Token, "/v1/patients/" + c.sealed + "/record"},
		{"the privacy officer sees who looked", c.officer.Token, "/v1/audit/events?nhs_number=" + c.person},
		{"who am I, and what may I do", c.paramedic.Token, "/v1/me"},
	} {
		fmt.Fprintf(out, "\n# %s\ncurl --silent --cacert %s -H 'Authorization: Bearer %s' '%s%s'\n", call.what, m.CAFile, call.token, m.GatewayURL, call.path)
	}
	fmt.Fprintf(out, "\n# anybody checks the audit log from outside, with nothing but its public key (docs/audit.md)\n"+
		".build/bin/dcrctl audit verify --key '%s' --ca-file %s --url %s --whole\n", m.Audit.Key, m.CAFile, m.Audit.LogURL)
	return nil
}

// envCommand prints a running stack as shell variables.
type envCommand struct{ folders }

// Run prints them.
func (c *envCommand) Run(context.Context) error {
	_, dir, err := c.paths()
	if err != nil {
		return err
	}
	m, err := stack.ReadManifest(stack.ManifestPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("no suite has run here: start one with make run")
	}
	if err != nil {
		return err
	}
	people, err := castOf(m)
	if err != nil {
		return err
	}
	for _, v := range []struct{ name, value string }{
		{"DCR", m.GatewayURL}, {"CA", m.CAFile}, {"PERSON", people.person}, {"SEALED", people.sealed},
		{"PARAMEDIC", people.paramedic.Token}, {"STRANGER", people.stranger.Token}, {"CARER", people.holder.Token},
		{"OFFICER", people.officer.Token}, {"GUARDIAN", people.guardian.Token}, {"COLLEAGUE", people.colleague.Token}, {"SYSTEM", people.system},
		{"LOG", m.Audit.LogURL}, {"LOG_KEY", m.Audit.Key}, {"WITNESS", m.Audit.WitnessURL}, {"WITNESS_KEY", m.Audit.WitnessKey},
	} {
		fmt.Printf("export %s='%s'\n", v.name, v.value)
	}
	return nil
}

// caring finds a member of staff (with the role, if one is named) who cares for a person with the tag
// and without any other.
func caring(m *stack.Manifest, roleCode, tag string) (*stack.StaffEntry, string) {
	tagged := map[string]bool{}
	for _, p := range m.Patients {
		tagged[p.NHSNumber] = slices.Equal(p.Tags, []string{tag})
	}
	for i, s := range m.Staff {
		if roleCode != "" && s.RoleCode != roleCode {
			continue
		}
		for _, number := range s.Patients {
			if tagged[number] {
				return &m.Staff[i], number
			}
		}
	}
	return nil, ""
}

// unrelated finds a physiotherapist who has no care relationship with a person.
func unrelated(m *stack.Manifest, number string) *stack.StaffEntry {
	for i, s := range m.Staff {
		if len(s.Patients) > 0 && !slices.Contains(s.Patients, number) && s.RoleCode == "R1110" {
			return &m.Staff[i]
		}
	}
	return nil
}

// careAt finds somebody who cares for people at an organisation.
func careAt(m *stack.Manifest, ods string) *stack.StaffEntry {
	for i, s := range m.Staff {
		if s.ODSCode == ods && len(s.Patients) > 0 {
			return &m.Staff[i]
		}
	}
	return nil
}

func withRole(m *stack.Manifest, roleCode string) *stack.StaffEntry {
	for i, s := range m.Staff {
		if s.RoleCode == roleCode {
			return &m.Staff[i]
		}
	}
	return nil
}
