package county

import (
	"fmt"
	"strings"
)

// Staff is a member of staff in one role at one organisation.
type Staff struct {
	// Subject is the CIS2 user id: the "sub" of the member's tokens, and the sds-user-id under which feeds name them.
	Subject string
	// Title, GivenName and FamilyName make up the name.
	Title, GivenName, FamilyName string
	// Role at the organisation ODSCode.
	Role    Role
	ODSCode string
	// PersonOrgID and PersonRoleID identify the membership and the role in CIS2.
	PersonOrgID, PersonRoleID string
	// NHSNumber is the member's own, where it is known; else empty.
	NHSNumber string
}

// Name as displayed.
func (s Staff) Name() string {
	return strings.TrimSpace(s.Title + " " + s.GivenName + " " + s.FamilyName)
}

// ownRecordSubject is the GP who is also a patient of the practice, so that opening one's own record can be tried.
const ownRecordSubject = "998800000002"

// member is a line of the staff table.
type member struct {
	name    string // title, given name, family name
	role    Role
	odsCode string
}

func members() []member {
	return []member{
		{"Dr Amara Abbotsbury", gp, "J81900"},
		{"Dr Rowan Sandbanks", gp, "J81900"},
		{"Sister Bea Brownsea", nurse, "J81900"},
		{"Dr Chidi Chesil", gp, "J81901"},
		{"Dr Dilys Durdle", salariedGP, "J81901"},
		{"Dr Emeka Evershot", gp, "J81902"},
		{"Nurse Fay Fleet", nurse, "J81902"},
		{"Dr Gita Godmanstone", sessionalGP, "J81903"},
		{"Dr Huw Hengistbury", gp, "J81903"},
		{"Dr Ines Iwerne", gp, "J81904"},
		{"Dr Jonah Jordan-Hill", gp, "J81905"},
		{"Dr Keziah Kingston", gp, "J81906"},
		{"Dr Leo Lulworth", gp, "J81907"},

		{"Miss Mina Mudeford", consultant, hospitalEast},
		{"Dr Noor Nottington", consultant, hospitalEast},
		{"Dr Otis Osmington", radiologist, hospitalEast},
		{"Nurse Pia Portland", nurse, hospitalEast},
		{"Mr Quinn Quomp", physiotherapist, hospitalEast},
		{"Ms Rhea Ringstead", occupational, hospitalEast},
		{"Mrs Sunita Studland", privacyOfficer, hospitalEast},
		{"Mr Tariq Tarrant", consultant, hospitalWest},
		{"Dr Una Upwey", radiologist, hospitalWest},
		{"Nurse Viktor Verwood", nurse, hospitalWest},
		{"Ms Wanda Winspit", physiotherapist, hospitalWest},
		{"Mr Xavi Yetminster", occupational, hospitalWest},

		{"Dr Yusuf Yellowham", consultant, community},
		{"Nurse Zola Zigzag", nurse, community},
		{"Ms Aoife Arne", mentalHealth, community},
		{"Mr Bram Burton", mentalHealthNurse, community},
		{"Ms Cleo Corfe", mentalHealthSocial, community},
		{"Mr Dev Dancing-Ledge", physiotherapist, community},
		{"Ms Effie Eype", occupational, community},

		{"Mr Finn Fontmell", paramedic, ambulance},
		{"Ms Gwen Golden-Cap", paramedic, ambulance},
		{"Mr Hari Handfast", paramedic, ambulance},

		{"Ms Isla Ibberton", socialWorker, councilDorset},
		{"Mr Jude Jerrards", councilSWChildren, councilDorset},
		{"Ms Kaya Knowlton", safeguarding, councilDorset},
		{"Mr Lorcan Loders", councilOT, councilDorset},
		{"Ms Maya Mappowder", councilSW, councilBCP},
		{"Mr Nico Nothe", councilSWSenior, councilBCP},
		{"Ms Orla Okeford", approvedMH, councilBCP},
		{"Mr Pavel Piddle", safeguarding, councilBCP},

		{"Mrs Quentina Rempstone", privacyOfficer, "QVV"},
		{"Dr Ravi Rawlsbury", caldicott, "QVV"},
		{"Ms Saskia Shipstal", auditManager, "QVV"},
		{"Mr Theo Tout", administrator, "QVV"},
	}
}

// staff makes the table's lines into staff with identifiers. CIS2's are twelve digits; these begin 9988, as the NHS numbers
// of the county's people begin 9998.
func staff() []Staff {
	var all []Staff
	for i, m := range members() {
		words := strings.SplitN(m.name, " ", 3)
		all = append(all, Staff{
			Subject: fmt.Sprintf("998800000%03d", i+1),
			Title:   words[0], GivenName: words[1], FamilyName: words[2],
			Role: m.role, ODSCode: m.odsCode,
			PersonOrgID:  fmt.Sprintf("998800001%03d", i+1),
			PersonRoleID: fmt.Sprintf("998800002%03d", i+1),
		})
	}
	return all
}

// at lists the staff of an organisation who hold one of the roles, or all of them if no role is named.
func (c *County) at(odsCode string, roles ...Role) []Staff {
	var found []Staff
	for _, s := range c.Staff {
		if s.ODSCode == odsCode && (len(roles) == 0 || holds(s, roles)) {
			found = append(found, s)
		}
	}
	return found
}

func holds(s Staff, roles []Role) bool {
	for _, r := range roles {
		if s.Role == r {
			return true
		}
	}
	return false
}
