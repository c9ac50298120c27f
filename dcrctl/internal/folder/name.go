package folder

import (
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// odsCode is how the codes of organisations look: capital letters and digits.
var odsCode = regexp.MustCompile(`^[A-Z0-9]{3,10}$`)

// shownRunes is how much of a name is shown that may be a person's.
const shownRunes = 3

// named reads sender and person off a path.
func named(p string, size int64) Bundle {
	folder, file := path.Split(p)
	person, sender := split(strings.TrimSuffix(file, ".json"))
	return Bundle{Path: p, Sender: sender, Person: folder + person, Size: size}
}

// split takes the name of a file apart; sender is empty when the name ends in no ODS code.
func split(name string) (person, sender string) {
	i := strings.LastIndexByte(name, '.')
	if last := name[i+1:]; odsCode.MatchString(last) && !isPerson(last) {
		return name[:max(i, 0)], last
	}
	return name, ""
}

// isPerson keeps a file that is named by an NHS number alone from passing as a sender's.
func isPerson(name string) bool {
	return len(name) == 10 && strings.Trim(name, "0123456789") == ""
}

// Shown is the path as it may be printed: the sender whole, of every other name no more than its first three
// characters, since folders and files are named after people.
func (b Bundle) Shown() string {
	parts := strings.Split(b.Path, "/")
	for i, part := range parts[:len(parts)-1] {
		parts[i] = mask(part)
	}
	file := strings.TrimSuffix(parts[len(parts)-1], ".json")
	person, _ := split(file)
	switch {
	case b.Sender == "":
		file = mask(file)
	case person != "":
		file = mask(person) + "." + b.Sender
	default:
		file = b.Sender
	}
	parts[len(parts)-1] = file + ".json"
	return strings.Join(parts, "/")
}

func mask(name string) string {
	if utf8.RuneCountInString(name) <= shownRunes {
		return name
	}
	return string([]rune(name)[:shownRunes]) + "…"
}
