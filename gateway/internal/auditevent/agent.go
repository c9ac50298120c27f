package auditevent

import (
	"net/url"
	"strings"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
)

// agentsOf are the two ends of the call, who acted, and for which organisation. What was done without a call
// has the service alone.
func agentsOf(e *auditv1.Event, p pattern) []agent {
	if e.GetActor().GetKind() == auditv1.ActorKind_ACTOR_KIND_SERVICE {
		return append([]agent{service(e)}, organisation(e)...)
	}
	all := []agent{client(e, p), server(p)}
	if e.GetActor().GetKind() == auditv1.ActorKind_ACTOR_KIND_STAFF {
		all = append(all, user(e, p))
	}
	return append(all, organisation(e)...)
}

// ends are the types of client and server. BALP has data flow from the server in a read, and from the client,
// with its question, in all others.
func (p pattern) ends() (client, server concept) {
	from := concept{Coding: []coding{{systemDICOM, "110153", "Source Role ID"}}}
	to := concept{Coding: []coding{{systemDICOM, "110152", "Destination Role ID"}}}
	if p.received {
		return to, from
	}
	return from, to
}

// client is the application that called. A partner's system is the requestor itself; for a member of staff it
// is what they used.
func client(e *auditv1.Event, p pattern) agent {
	kind, _ := p.ends()
	a := agent{
		Type:      &kind,
		Who:       &reference{Display: "unknown"},
		Requestor: e.GetActor().GetKind() != auditv1.ActorKind_ACTOR_KIND_STAFF,
	}
	if id := e.GetActor().GetClientId(); id != "" {
		a.Who = &reference{Identifier: &identifier{systemClient, id}}
	}
	if address := e.GetOrigin().GetClientAddress(); address != "" {
		a.Network = &network{Address: address, Type: "2"} // an IP address
	}
	if a.Requestor {
		a.Policy, a.PurposeOfUse = policies(e), purposes(e)
	}
	return a
}

func server(p pattern) agent {
	_, kind := p.ends()
	return agent{
		Type: &kind, Who: &reference{Display: site + " gateway"},
		Network: &network{Address: "gateway", Type: "1"}, // a machine's name
	}
}

// user is the member of staff: by the id in identity-svc, else as the token named them.
func user(e *auditv1.Event, p pattern) agent {
	by := e.GetActor()
	a := agent{
		Type:         &concept{Coding: []coding{p.part}},
		Who:          &reference{Type: "Practitioner", Identifier: &identifier{SystemStaff, by.GetStaffId()}},
		AltID:        by.GetSubject(),
		Name:         by.GetDisplay(),
		Requestor:    true,
		Policy:       policies(e),
		PurposeOfUse: purposes(e),
	}
	if by.GetStaffId() == "" {
		a.Who.Identifier = &identifier{systemSubject, by.GetSubject()}
	}
	if code := by.GetRoleCode(); code != "" {
		system := systemOwnRole
		if strings.HasPrefix(code, "R") {
			system = systemJobRole
		}
		a.Role = []concept{{Coding: []coding{{System: system, Code: code}}, Text: by.GetProfession()}}
	}
	return a
}

func service(e *auditv1.Event) agent {
	return agent{
		Type: &concept{Coding: []coding{{systemDICOM, "110150", "Application"}}},
		Who:  &reference{Display: e.GetActor().GetDisplay()}, Requestor: true,
		Policy: policies(e), PurposeOfUse: purposes(e),
	}
}

// organisation for which somebody acted.
func organisation(e *auditv1.Event) []agent {
	code := e.GetActor().GetOdsCode()
	if code == "" {
		return nil
	}
	return []agent{{
		Type: &concept{Coding: []coding{{systemOwnAgent, "organisation", "Organisation acted for"}}},
		Who: &reference{
			Type: "Organization", Identifier: &identifier{SystemODS, code}, Display: e.GetActor().GetOrganisationName(),
		},
	}}
}

// policies that the decision went by: the policy of roles and sections, and the rule of the call.
func policies(e *auditv1.Event) []string {
	var all []string
	if v := e.GetBasis().GetPolicyVersion(); v != "" {
		all = append(all, policyPrefix+url.PathEscape(v))
	}
	if rpc := e.GetBasis().GetRpc(); rpc != "" {
		all = append(all, rulePrefix+rpc+"?version="+url.QueryEscape(e.GetBasis().GetRuleVersion()))
	}
	return all
}

// purposes are the codes of HL7 beside our own word.
func purposes(e *auditv1.Event) []concept {
	purpose := e.GetBasis().GetPurpose()
	if purpose == "" {
		return nil
	}
	c := concept{Coding: []coding{{System: systemOwnPurpose, Code: purpose}}}
	if code, ok := actReason(e); ok {
		c.Coding = append([]coding{code}, c.Coding...)
	}
	all := []concept{c}
	for _, mark := range e.GetMarks() {
		if mark == "restriction_broken" {
			all = append(all, concept{Coding: []coding{{systemReason, "BTG", "break the glass"}}})
		}
	}
	return all
}

func actReason(e *auditv1.Event) (coding, bool) {
	if e.GetBasis().GetRelationshipKind() == "emergency" {
		return coding{systemReason, "ETREAT", "Emergency Treatment"}, true
	}
	switch e.GetBasis().GetPurpose() {
	case "direct_care":
		return coding{systemReason, "TREAT", "treatment"}, true
	case "oversight":
		return coding{systemReason, "HCOMPL", "health compliance"}, true
	case "administration":
		return coding{systemReason, "HSYSADMIN", "health system administration"}, true
	case "feed":
		return coding{systemReason, "RECORDMGT", "records management"}, true
	case "own_request":
		return coding{systemReason, "PATRQT", "patient requested"}, true
	default:
		return coding{}, false
	}
}
