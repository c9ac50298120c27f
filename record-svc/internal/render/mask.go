package render

import (
	"slices"
	"strings"
	"unicode"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

const (
	// withheldPractice stands for the name of a GP practice.
	withheldPractice = "A GP practice"
	// withheldText stands for a text that names what is withheld.
	withheldText = "[withheld: this person's details are restricted]"
)

// mask makes of entries what an unbroken view of a restricted person shows:
// no GP practice by name, no author, of demographics the name and the date of
// birth alone and no related person; and no text that repeats the address, a
// contact or the GP as this person's demographics give them.
func mask(items, all []Item) []Item {
	secrets := withheld(all)
	masked := make([]Item, 0, len(items))
	for _, item := range items {
		if item.Section == section.Demographics && item.Type != "Patient" {
			continue
		}
		masked = append(masked, maskOne(item, secrets))
	}
	return masked
}

func maskOne(item Item, secrets []string) Item {
	item.Author = ""
	if item.Section == section.Demographics {
		// Name and date of birth need no search for secrets; what else kept two
		// organisations' entries apart is not shown.
		item.Value = item.Bare
		item.Fingerprint = item.Display + "|" + item.Bare
	} else {
		item.Display = hide(item.Display, secrets)
		item.Value = hide(item.Value, secrets)
	}
	if item.Source.Practice {
		item.Contact = ""
	}
	item.Contact = hide(item.Contact, secrets)
	item.Code.Display = hide(item.Code.Display, secrets)
	item.Reactions = slices.Clone(item.Reactions)
	for i := range item.Reactions {
		item.Reactions[i] = hide(item.Reactions[i], secrets)
	}
	if item.Source.Practice {
		item.Source = Source{ODS: item.Source.ODS, Name: withheldPractice, Practice: true}
	}
	return item
}

// withheld are the words that the person's demographics and the names of the
// person's practices put out of sight, squeezed.
func withheld(all []Item) []string {
	var secrets []string
	for _, item := range all {
		secrets = append(secrets, item.Withhold...)
		if item.Source.Practice {
			secrets = append(secrets, item.Source.Name, item.Source.ODS)
		}
	}
	for i := range secrets {
		secrets[i] = squeeze(secrets[i])
	}
	slices.Sort(secrets)
	return slices.DeleteFunc(slices.Compact(secrets), func(words string) bool { return len(words) < shortest })
}

// shortest keeps "flat" and its like from withholding half of the record.
const shortest = 5

// squeeze leaves letters and digits, in lower case: a telephone number is the
// same with and without its spaces.
func squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// hide withholds a text that holds one of the secrets. All of it: what stands
// around an address often tells it too.
func hide(text string, secrets []string) string {
	if text == "" {
		return ""
	}
	squeezed := squeeze(text)
	for _, secret := range secrets {
		if strings.Contains(squeezed, secret) {
			return withheldText
		}
	}
	return text
}
