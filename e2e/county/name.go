package county

import "math/rand/v2"

// Names are given names as people bear them and family names that nobody bears: places of Dorset. So they read like names
// and cannot be taken for anybody's.

var feminine = []string{
	"Aaliyah", "Adunni", "Agnieszka", "Anjali", "Beatrice", "Blessing", "Bronwen", "Chloë", "Daria", "Deepa", "Edith",
	"Eleanor", "Farida", "Fiona", "Grace", "Hannah", "Ifeoma", "Ingrid", "Jasmine", "Joan", "Kavita", "Leila", "Margaret",
	"Mei", "Niamh", "Olena", "Patience", "Priya", "Renée", "Rosa", "Ruth", "Saoirse", "Shanice", "Sofia", "Thandiwe",
	"Valerie", "Winifred", "Xin", "Yasmin", "Zainab",
}

var masculine = []string{
	"Abdul", "Ahmed", "Alfie", "Andrei", "Arjun", "Arthur", "Callum", "Chen", "Connor", "Darius", "David", "Dmytro",
	"Edward", "Emmanuel", "Ernest", "Faisal", "Gareth", "George", "Hamza", "Harold", "Ibrahim", "Jakub", "Jamal", "José",
	"Kenneth", "Kofi", "Kwame", "Liam", "Luca", "Mohammed", "Nathan", "Oluwaseun", "Owen", "Rajesh", "Reginald", "Samuel",
	"Stanley", "Tomasz", "Wei", "Zachary",
}

var families = []string{
	"Affpuddle", "Alderholt", "Almer", "Ansty", "Askerswell", "Batcombe", "Beaminster", "Bere-Regis", "Bincombe",
	"Bloxworth", "Bradpole", "Bryanston", "Burstock", "Cattistock", "Cerne", "Charborough", "Charminster", "Chideock",
	"Compton-Valence", "Cranborne", "Dewlish", "Edmondsham", "Farnham-Tollard", "Fifehead", "Frampton-Vale", "Gussage",
	"Halstock", "Hammoon", "Hazelbury", "Hilfield", "Hinton-Martell", "Holnest", "Kimmeridge", "Langton-Matravers",
	"Litton-Cheney", "Lytchett", "Maiden-Newton", "Mapperton", "Marnhull", "Melbury", "Melcombe", "Milborne", "Moreton-Heath",
	"O'Purbeck", "Owermoigne", "Pentridge", "Piddlehinton", "Pimperne", "Powerstock", "Puncknowle", "Rampisham",
	"Ryme-Intrinseca", "Shapwick", "Shillingstone", "Sixpenny", "Spetisbury", "Stalbridge", "Stinsford", "Stourpaine",
	"Sturminster", "Sydling", "Symondsbury", "Tincleton", "Toller", "Tolpuddle", "Turnerspuddle", "Wareham-Quay",
	"Whatcombe", "Whitchurch-Canonicorum", "Winfrith", "Winterborne", "Witchampton", "Woolland", "Wootton-Glanville",
	"Worgret", "Wynford", "Yarlington", "Zelston",
}

// givenName for a gender.
func givenName(r *rand.Rand, gender string) string {
	if gender == "female" {
		return pick(r, feminine)
	}
	return pick(r, masculine)
}

// pick chooses one of a list.
func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// title that goes with an age and a gender.
func title(r *rand.Rand, gender string, age int) string {
	switch {
	case age < 18 && gender == "female":
		return "Miss"
	case age < 18:
		return "Master"
	case gender == "female":
		return pick(r, []string{"Mrs", "Ms", "Miss", "Dr"})
	default:
		return "Mr"
	}
}
