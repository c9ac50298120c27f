package register

import (
	"errors"
	"slices"
	"strings"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

// columns are those of the file, in the order in which an export writes them.
func columns() []string {
	return []string{
		"row_id", "nhs_number", "family_name", "given_names", "birth_date", "postcode",
		"choice", "channel", "evidence", "requester", "received_on",
	}
}

// The words of the file for what the contract numbers. An empty cell means what it says here.
func choices() map[string]optoutv1.Choice {
	return map[string]optoutv1.Choice{"": optoutv1.Choice_CHOICE_OUT, "out": optoutv1.Choice_CHOICE_OUT, "in": optoutv1.Choice_CHOICE_IN}
}

func channels() map[string]optoutv1.Channel {
	return map[string]optoutv1.Channel{
		"telephone": optoutv1.Channel_CHANNEL_TELEPHONE, "online": optoutv1.Channel_CHANNEL_ONLINE,
		"post": optoutv1.Channel_CHANNEL_POST, "leaflet": optoutv1.Channel_CHANNEL_LEAFLET,
	}
}

func requesters() map[string]optoutv1.Requester {
	return map[string]optoutv1.Requester{
		"": optoutv1.Requester_REQUESTER_SELF, "self": optoutv1.Requester_REQUESTER_SELF,
		"parent": optoutv1.Requester_REQUESTER_PARENT, "attorney": optoutv1.Requester_REQUESTER_ATTORNEY,
	}
}

// wordOf is the word that the file has for a number.
func wordOf[N comparable](words map[string]N, number N) (string, error) {
	for word, n := range words {
		if n == number && word != "" {
			return word, nil
		}
	}
	return "", errors.New("the gateway names something that this file has no word for")
}

// escape keeps a spreadsheet from taking a cell for a formula: it is put behind an apostrophe, which such programs
// do not show. unescape gives back exactly what was there.
func escape(cell string) string {
	if formula(cell) {
		return "'" + cell
	}
	return cell
}

func unescape(cell string) string {
	if rest, found := strings.CutPrefix(cell, "'"); found && formula(rest) {
		return rest
	}
	return cell
}

// formula tells whether a program could take a cell for more than text, or for one that was escaped.
func formula(cell string) bool {
	if cell == "" {
		return false
	}
	if strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return true
	}
	rest, found := strings.CutPrefix(cell, "'")
	return found && formula(rest)
}

// missing are the columns that a header lacks; unknown those that it has too many.
func missing(header []string) (lacking, unknown []string) {
	for _, c := range columns() {
		if !slices.Contains(header, c) {
			lacking = append(lacking, c)
		}
	}
	for i, c := range header {
		if !slices.Contains(columns(), c) || slices.Index(header, c) != i {
			unknown = append(unknown, c)
		}
	}
	return lacking, unknown
}
