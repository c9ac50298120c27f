package kin_test

import (
	"testing"

	"github.com/dorsetcarerecord/dcr/identity-svc/internal/kin"
)

func TestOf(t *testing.T) {
	t.Parallel()
	home := func(surname, postcode string, lines ...string) kin.Home {
		return kin.Home{Surname: surname, Postcode: postcode, Lines: lines}
	}
	for name, c := range map[string]struct {
		member     kin.Home
		name       string
		person     kin.Home
		home, same bool
	}{
		"one house":                   {home("purbeck", "BH151AA", "12 High Street", "Poole"), "", home("purbeck", "BH151AA", "12, High St."), true, false},
		"one flat":                    {home("purbeck", "BH151AA", "Flat 3", "12 High Street"), "", home("purbeck", "BH151AA", "3/12 High St"), true, false},
		"next door":                   {home("purbeck", "BH151AA", "12 High Street"), "", home("purbeck", "BH151AA", "14 High Street"), false, false},
		"the flat above":              {home("purbeck", "BH151AA", "Flat 3", "12 High Street"), "", home("purbeck", "BH151AA", "Flat 4", "12 High Street"), false, false},
		"12a is not 12":               {home("purbeck", "BH151AA", "12 High Street"), "", home("purbeck", "BH151AA", "12a High Street"), false, false},
		"a house with a name":         {home("purbeck", "BH151AA", "Rose Cottage"), "", home("purbeck", "BH151AA", "ROSE  COTTAGE"), true, false},
		"another name":                {home("purbeck", "BH151AA", "Rose Cottage"), "", home("purbeck", "BH151AA", "The Old Forge"), false, false},
		"only one has a number":       {home("purbeck", "BH151AA", "Rose Cottage"), "", home("purbeck", "BH151AA", "4 The Green"), true, false},
		"no lines":                    {home("purbeck", "BH151AA"), "", home("purbeck", "BH151AA", "4 The Green"), true, false},
		"the postcode among lines":    {home("purbeck", "BH151AA", "Rose Cottage", "BH15 1AA"), "", home("purbeck", "BH151AA", "Rose Cottage"), true, false},
		"another postcode":            {home("purbeck", "BH151AA", "12 High Street"), "", home("purbeck", "BH151AB", "12 High Street"), false, false},
		"another surname":             {home("purbeck", "BH151AA", "12 High Street"), "", home("portland", "BH151AA", "12 High Street"), false, false},
		"the person has no address":   {home("purbeck", "BH151AA", "12 High Street"), "", home("purbeck", ""), false, false},
		"nothing known of the member": {home("", ""), "", home("", "BH151AA"), false, false},
		"name alone":                  {home("", ""), "Dr Rowan Sandbanks", home("sandbanks", "BH151AA"), false, true},
		"name with an accent":         {home("", ""), "Nurse Zoë PÓRTLAND", home("portland", ""), false, true},
		"another name on file":        {home("", ""), "Dr Rowan Sandbanks", home("studland", ""), false, false},
		"surname as a patient counts": {home("studland", ""), "Dr Rowan Sandbanks", home("studland", ""), false, true},
		"maiden name on file":         {home("studland", ""), "Dr Rowan Sandbanks", home("sandbanks", ""), false, false},
	} {
		if sameHome, sameName := kin.Of(c.member, c.name, c.person); sameHome != c.home || sameName != c.same {
			t.Errorf("%s: home %v, name %v", name, sameHome, sameName)
		}
	}
}
