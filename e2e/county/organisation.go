package county

// Kind of an organisation.
type Kind string

// Kinds of DOMAIN.md section 2.
const (
	AcuteTrust     Kind = "acute_trust"
	CommunityTrust Kind = "community_mental_health_trust"
	AmbulanceTrust Kind = "ambulance_trust"
	LocalAuthority Kind = "local_authority"
	Commissioner   Kind = "commissioner"
	GPPractice     Kind = "gp_practice"
)

// State of an organisation towards the shared record.
type State string

// States of DOMAIN.md section 2.
const (
	Participating State = "participating"
	Prospective   State = "prospective"
	OutOfArea     State = "out_of_area"
)

// Organisation is one that holds records of the county's people, or oversees those who do.
type Organisation struct {
	// ODSCode is the national code; councils use their GSS code.
	ODSCode string
	// Name in full.
	Name string
	// Kind and State decide what it may send and see.
	Kind  Kind
	State State
}

// ODS codes of the organisations that send feeds.
const (
	hospitalEast  = "R0D"
	hospitalWest  = "RBD"
	community     = "RDY"
	ambulance     = "RYF"
	councilDorset = "E06000059"
	councilBCP    = "E06000058"
)

// organisations of the county and around it. Trusts and councils are real, practices are not: their codes and names carry
// on those of the shared test data.
func organisations() []Organisation {
	return []Organisation{
		{hospitalEast, "University Hospitals Dorset NHS Foundation Trust", AcuteTrust, Participating},
		{hospitalWest, "Dorset County Hospital NHS Foundation Trust", AcuteTrust, Participating},
		{community, "Dorset HealthCare University NHS Foundation Trust", CommunityTrust, Participating},
		{ambulance, "South Western Ambulance Service NHS Foundation Trust", AmbulanceTrust, Participating},
		{councilDorset, "Dorset Council", LocalAuthority, Participating},
		{councilBCP, "Bournemouth, Christchurch and Poole Council", LocalAuthority, Participating},
		{"QVV", "NHS Dorset Integrated Care Board", Commissioner, Participating},

		{"J81900", "Poole Quay Test Surgery", GPPractice, Participating},
		{"J81901", "Boscombe Test Surgery", GPPractice, Participating},
		{"J81902", "Dorchester Test Surgery", GPPractice, Participating},
		{"J81903", "Weymouth Test Surgery", GPPractice, Participating},
		{"J81904", "Wimborne Test Surgery", GPPractice, Participating},
		{"J81905", "Swanage Test Surgery", GPPractice, Participating},
		{"J81906", "Bridport Test Surgery", GPPractice, Participating},
		{"J81907", "Blandford Test Surgery", GPPractice, Participating},

		{"RH5", "Somerset NHS Foundation Trust", AcuteTrust, Prospective},
		{"RNZ", "Salisbury NHS Foundation Trust", AcuteTrust, Prospective},
		{"RH8", "Royal Devon University Healthcare NHS Foundation Trust", AcuteTrust, Prospective},
		{"RHM", "University Hospital Southampton NHS Foundation Trust", AcuteTrust, Prospective},

		{"J82900", "Southampton Test Surgery", GPPractice, OutOfArea},
		{"J83900", "Salisbury Test Surgery", GPPractice, OutOfArea},
		{"L85900", "Yeovil Test Surgery", GPPractice, OutOfArea},
	}
}

// sendsPosts says which organisations send bundles of POST entries that refer to each other by urn:uuid; the others PUT
// each resource to Type/id. Both forms exist in the field, so both are in the county.
func sendsPosts(odsCode string) bool {
	switch odsCode {
	case hospitalWest, ambulance, councilBCP, "J81901", "J81903", "J81907":
		return true
	}
	return false
}
