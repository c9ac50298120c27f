package render

import (
	"slices"
	"strings"

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
		item.Value = item.Bare // name and date of birth, which need no search for secrets
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
// person's practices put out of sight, lower case.
func withheld(all []Item) []string {
	var secrets []string
	for _, item := range all {
		for _, words := range item.Withhold {
			secrets = append(secrets, strings.ToLower(words))
		}
		if item.Source.Practice {
			secrets = append(secrets, strings.ToLower(item.Source.Name), strings.ToLower(item.Source.ODS))
		}
	}
	slices.Sort(secrets)
	return slices.DeleteFunc(slices.Compact(secrets), func(words string) bool { return words == "" })
}

// hide withholds a text that holds one of the secrets. All of it: what stands
// around an address often tells it too.
func hide(text string, secrets []string) string {
	lower := strings.ToLower(text)
	for _, secret := range secrets {
		if strings.Contains(lower, secret) {
			return withheldText
		}
	}
	return text
}
