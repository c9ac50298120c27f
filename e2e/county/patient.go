package county

import "time"

// demographics writes the Patient, as every sender does, and the next of kin.
func (l *life) demographics(s *sheet) {
	p := l.person
	r := resource{
		"identifier": list{resource{
			"system": nhsSystem, "value": p.NHSNumber,
			"extension": list{verified()},
		}},
		"active":    true,
		"name":      list{resource{"use": "official", "family": p.FamilyName, "given": list{p.GivenName}, "prefix": list{p.Title}}},
		"gender":    p.Gender,
		"birthDate": p.BirthDate,
		"telecom":   list{resource{"system": "phone", "use": "home", "value": p.Phone}},
		"address": list{resource{
			"use": "home", "line": list{p.Address.Line}, "city": p.Address.Town,
			"district": p.Address.District, "postalCode": p.Address.Postcode,
		}},
		"generalPractitioner":  list{organisationIdentity(l.practice())},
		"managingOrganization": organisationIdentity(s.org),
	}
	if !l.alive() {
		r["deceasedDateTime"] = instant(p.Deceased)
	}
	if p.Has(TagRestricted) {
		r["meta"] = resource{"security": list{coding(terminology+"v3-Confidentiality", "R", "restricted")}}
	}
	s.patient = s.add("Patient", "self", l.now.Add(-6*time.Hour), r)
	if s.org.Kind == GPPractice || s.org.Kind == LocalAuthority {
		l.nextOfKin(s)
	}
}

// verified is UK Core's mark of an NHS number that was checked with the national service.
func verified() resource {
	return resource{
		"url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
		"valueCodeableConcept": resource{"coding": list{coding(
			"https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland",
			"number-present-and-verified", "Number present and verified",
		)}},
	}
}

// practice of registration; one that is outside the county is in the table as well.
func (l *life) practice() Organisation {
	o, _ := l.county.Organisation(l.person.PracticeODS)
	return o
}

// nextOfKin is the same for all who write one down: who it is depends on the person alone.
func (l *life) nextOfKin(s *sheet) {
	kin := []struct{ code, display string }{{"SPS", "spouse"}, {"SIB", "sibling"}, {"NCHILD", "natural child"}}[l.index%3]
	if l.profile.maxAge < 18 {
		kin.code, kin.display = "MTH", "mother"
	}
	s.add("RelatedPerson", "kin", l.ago(90), resource{
		"patient": s.subject(),
		"active":  true,
		"relationship": list{
			resource{"coding": list{coding(terminology+"v2-0131", "N", "Next-of-Kin")}},
			resource{"coding": list{coding(terminology+"v3-RoleCode", kin.code, kin.display)}},
		},
		"name":    list{resource{"family": l.person.FamilyName, "given": list{feminine[(l.index*7+3)%len(feminine)]}}},
		"telecom": list{resource{"system": "phone", "use": "mobile", "value": "01632 960999"}},
	})
}

// registration is the practice's: it is told by the Patient itself, so nothing is written but what follows from it.
func (l *life) registration(s *sheet) {
	l.care(Registration, s.org.ODSCode, "", l.yearsAgo(4), time.Time{})
}
