package county

import (
	"fmt"
	"math/rand/v2"
)

// Address in the county.
type Address struct {
	Line, Town, District, Postcode string
}

// place is a town of the county with the practice, the hospital and the council that serve it.
type place struct {
	town, district, outward     string
	practice, hospital, council string
}

var places = []place{
	{"Poole", "Bournemouth, Christchurch and Poole", "BH15", "J81900", hospitalEast, councilBCP},
	{"Bournemouth", "Bournemouth, Christchurch and Poole", "BH5", "J81901", hospitalEast, councilBCP},
	{"Dorchester", "Dorset", "DT1", "J81902", hospitalWest, councilDorset},
	{"Weymouth", "Dorset", "DT4", "J81903", hospitalWest, councilDorset},
	{"Wimborne", "Dorset", "BH21", "J81904", hospitalEast, councilDorset},
	{"Swanage", "Dorset", "BH19", "J81905", hospitalEast, councilDorset},
	{"Bridport", "Dorset", "DT6", "J81906", hospitalWest, councilDorset},
	{"Blandford Forum", "Dorset", "DT11", "J81907", hospitalWest, councilDorset},
}

// outsidePractices are where people of the county's edges may be registered.
var outsidePractices = []string{"J82900", "J83900", "L85900"}

var streets = []string{
	"Ammonite Close", "Beacon Lane", "Cob Cottages", "Drovers Way", "Ebb Street", "Fossil Row", "Gorse Hill", "Harbour Steps",
	"Ironstone Road", "Jackdaw Mews", "Kiln Lane", "Ladram Terrace", "Mill Race", "Nettlecombe", "Oolite Avenue", "Purbeck View",
}

// inwards are endings that no post town of the county uses, so that no letter could arrive.
var inwards = []string{"9ZZ", "9ZY", "9ZX", "9ZW", "9YZ", "9YY", "9YX"}

// address somewhere in a place.
func (p place) address(r *rand.Rand) Address {
	return Address{
		Line:     fmt.Sprintf("%d %s", 1+r.IntN(180), pick(r, streets)),
		Town:     p.town,
		District: p.district,
		Postcode: p.outward + " " + pick(r, inwards),
	}
}

// phone in the range that is kept free for fiction.
func phone(r *rand.Rand) string { return fmt.Sprintf("01632 960%03d", r.IntN(1000)) }
