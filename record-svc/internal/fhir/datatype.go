package fhir

import "encoding/json"

// Systems that the record knows by name (DOMAIN.md section 9).
const (
	SystemNHSNumber = "https://fhir.nhs.uk/Id/nhs-number"
	SystemODS       = "https://fhir.nhs.uk/Id/ods-organization-code"
	SystemSNOMED    = "http://snomed.info/sct"
	SystemDMD       = "https://dmd.nhs.uk"
	SystemLOINC     = "http://loinc.org"
	SystemICD10     = "http://hl7.org/fhir/sid/icd-10"
)

// Coding is one code with its system.
type Coding struct {
	System       Text
	Code         Text
	Display      Text
	UserSelected Truth
}

// CodeableConcept is a concept as codes and as text.
type CodeableConcept struct {
	Coding List[Coding]
	Text   Text
}

// UnmarshalJSON reads a CodeableConcept, and also the shapes that other types
// and feeds have under the same name: a bare code or text, and a bare Coding.
func (c *CodeableConcept) UnmarshalJSON(data []byte) error {
	if text, ok := scalar(data); ok {
		*c = CodeableConcept{}
		if text != "" {
			c.Coding = List[Coding]{{Code: Text(text)}}
			c.Text = Text(text)
		}
		return nil
	}
	if data[0] == '[' { // PractitionerRole.code repeats, all others do not
		var several List[CodeableConcept]
		if err := several.UnmarshalJSON(data); err != nil {
			return err
		}
		*c = several.First()
		return nil
	}
	var whole struct {
		Coding  List[Coding]
		Text    Text
		System  Text
		Code    Text
		Display Text
	}
	if err := json.Unmarshal(data, &whole); err != nil {
		return err
	}
	*c = CodeableConcept{Coding: whole.Coding, Text: whole.Text}
	if len(c.Coding) == 0 && whole.Code != "" {
		c.Coding = List[Coding]{{System: whole.System, Code: whole.Code, Display: whole.Display}}
	}
	return nil
}

// IsZero tells whether nothing is stated.
func (c CodeableConcept) IsZero() bool { return len(c.Coding) == 0 && c.Text == "" }

// Has tells whether one of the codings has the code, in whatever system.
func (c CodeableConcept) Has(code string) bool {
	for _, coding := range c.Coding {
		if string(coding.Code) == code {
			return true
		}
	}
	return false
}

// Code is the first code, whatever its system; for status elements, which have
// one system each.
func (c CodeableConcept) Code() string {
	for _, coding := range c.Coding {
		if coding.Code != "" {
			return string(coding.Code)
		}
	}
	return string(c.Text)
}

// Identifier is a business identifier.
type Identifier struct {
	Use    Text
	System Text
	Value  Text
}

// Reference points to another resource, by reference, by identifier or in words.
type Reference struct {
	Reference  Text
	Type       Text
	Identifier Identifier
	Display    Text
}

// IsZero tells whether the reference is absent or points nowhere.
func (r Reference) IsZero() bool { return r == Reference{} }

// Period is a time with a start, an end, or both.
type Period struct {
	Start Date
	End   Date
}

// Quantity is a measured amount.
type Quantity struct {
	Value      Decimal
	Comparator Text
	Unit       Text
	Code       Text
}

// Range is an amount between two bounds.
type Range struct {
	Low  Quantity
	High Quantity
}

// Ratio is one amount over another.
type Ratio struct {
	Numerator   Quantity
	Denominator Quantity
}

// HumanName is a name of a person.
type HumanName struct {
	Use    Text
	Text   Text
	Family Text
	Given  List[Text]
	Prefix List[Text]
	Period Period
}

// UnmarshalJSON reads a HumanName, and a bare text as organisations have it.
func (n *HumanName) UnmarshalJSON(data []byte) error {
	if text, ok := scalar(data); ok {
		*n = HumanName{Text: Text(text)}
		return nil
	}
	type plain HumanName
	return json.Unmarshal(data, (*plain)(n))
}

// Address is a postal address.
type Address struct {
	Use        Text
	Text       Text
	Line       List[Text]
	City       Text
	District   Text
	PostalCode Text
	Period     Period
}

// ContactPoint is a telephone, mail address or the like.
type ContactPoint struct {
	System Text
	Value  Text
	Use    Text
	Period Period
}

// Annotation is a note.
type Annotation struct {
	Text Text
}

// UnmarshalJSON reads an Annotation, and a bare text.
func (a *Annotation) UnmarshalJSON(data []byte) error {
	if text, ok := scalar(data); ok {
		*a = Annotation{Text: Text(text)}
		return nil
	}
	type plain Annotation
	return json.Unmarshal(data, (*plain)(a))
}

// Meta is what a resource says about itself.
type Meta struct {
	VersionID   Text `json:"versionId"`
	LastUpdated Date
	Security    List[Coding]
}

// Confidentiality codes above normal, of HL7's v3-Confidentiality, which PDS
// sets on a person who must not be found.
const (
	codeRestricted     = "R"
	codeVeryRestricted = "V"
)

// Restricted tells whether the resource is marked restricted or very restricted.
func (m Meta) Restricted() bool {
	for _, label := range m.Security {
		if label.Code == codeRestricted || label.Code == codeVeryRestricted {
			return true
		}
	}
	return false
}
