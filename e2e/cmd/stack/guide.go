package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// printGuide tells what is running and what to try. Each call works when pasted into a shell.
func printGuide(out io.Writer, file string, m *stack.Manifest) {
	fmt.Fprintf(out, "\nThe suite is up.\n  REST  %s\n  gRPC  %s\n  all tokens, people and addresses: %s\n", m.GatewayURL, m.GatewayGRPC, file)
	paramedic, person := caring(m, "R1070", "rich")
	stranger := unrelated(m, person)
	_, out1 := caring(m, "", "opted_out")
	if paramedic == nil || stranger == nil || out1 == "" {
		fmt.Fprintln(out, "  (the county lacks somebody for the calls below; see the file)")
		return
	}
	fmt.Fprintf(out, "\nTry (each works when pasted; Ctrl-C here stops everything):\n")
	call := func(what string, token, path string) {
		fmt.Fprintf(out, "\n# %s\ncurl --silent --cacert %s -H 'Authorization: Bearer %s' %s%s\n", what, m.CAFile, token, m.GatewayURL, path)
	}
	call("a paramedic opens the combined record", paramedic.Token, "/v1/patients/"+person+"/record")
	call("somebody without a care relationship is refused", stranger.Token, "/v1/patients/"+person+"/record")
	holder, sealed := caring(m, "", "opted_out")
	call("somebody who opted out is shown to nobody", holder.Token, "/v1/patients/"+sealed+"/record")
	if officer := withRole(m, "R0001"); officer != nil {
		call("the privacy officer sees all three looks", officer.Token, "/v1/audit/events?nhs_number="+person)
	}
	call("who am I, and what may I do", paramedic.Token, "/v1/me")
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

// unrelated finds a clinician who has no care relationship with a person.
func unrelated(m *stack.Manifest, number string) *stack.StaffEntry {
	for i, s := range m.Staff {
		if len(s.Patients) > 0 && !slices.Contains(s.Patients, number) && s.RoleCode == "R1110" {
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
