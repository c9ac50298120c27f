// Package fhir reads the elements of FHIR R4 that the record uses. Real feeds
// are not clean R4, so it is tolerant in shape (numbers as strings, one value
// where a list belongs, foreign members) and strict in what it relies on: an
// element that is read and makes no sense is an error that names it. The JSON
// itself is kept verbatim elsewhere; nothing here is ever printed back as FHIR.
package fhir

import (
	"bytes"
	"strings"
)

// Resource holds the elements that the record reads, of every type: FHIR gives
// the same thing the same name in each. Elements that a type does not have stay
// empty. What is not listed is tolerated, and kept in the verbatim JSON.
type Resource struct {
	ResourceType Text
	ID           Text `json:"id"`
	Meta         Meta
	Identifier   List[Identifier]
	Contained    List[Contained]

	// Whom it is about.
	Subject Reference
	Patient Reference

	// What it is.
	Code                      CodeableConcept
	VaccineCode               CodeableConcept
	MedicationCodeableConcept CodeableConcept
	MedicationReference       Reference
	Type                      List[CodeableConcept]
	Class                     CodeableConcept
	Category                  List[CodeableConcept]
	Relationship              List[CodeableConcept]
	Modality                  List[CodeableConcept]
	BodySite                  List[CodeableConcept]
	Title                     Text
	Description               CodeableConcept
	Name                      List[HumanName]

	// How it stands.
	Status             CodeableConcept
	ClinicalStatus     CodeableConcept
	VerificationStatus CodeableConcept
	LifecycleStatus    Text
	Active             Truth
	DoNotPerform       Truth
	// ModifierExtension changes the meaning of a resource in a way that a reader
	// has to know; only whether there is one is looked at.
	ModifierExtension List[Contained]
	Intent            Text

	// When it was.
	OnsetDateTime      Date
	OnsetPeriod        Period
	OnsetString        Text
	OnsetAge           Quantity
	AbatementDateTime  Date
	AbatementPeriod    Period
	RecordedDate       Date
	LastOccurrence     Date
	EffectiveDateTime  Date
	EffectiveInstant   Date
	EffectivePeriod    Period
	Issued             Date
	PerformedDateTime  Date
	PerformedPeriod    Period
	PerformedString    Text
	OccurrenceDateTime Date
	OccurrencePeriod   Period
	OccurrenceString   Text
	AuthoredOn         Date
	DateAsserted       Date
	WhenPrepared       Date
	WhenHandedOver     Date
	Period             Period
	Date               Date
	Created            Date
	Started            Date
	StartDate          Date
	StatusDate         Date
	Recorded           Date

	// Who said it.
	Recorder             Reference
	Asserter             Reference
	Requester            Reference
	InformationSource    Reference
	Author               List[Reference]
	Performer            List[Performer]
	Participant          List[Participant]
	ManagingOrganization List[Reference]
	GeneralPractitioner  List[Reference]
	Practitioner         Reference
	Organization         Reference
	ServiceProvider      Reference

	// What it says.
	ValueQuantity        Quantity
	ValueCodeableConcept CodeableConcept
	ValueString          Text
	ValueBoolean         Truth
	ValueInteger         Decimal
	ValueRange           Range
	ValueRatio           Ratio
	ValueTime            Text
	ValueDateTime        Date
	ValuePeriod          Period
	DataAbsentReason     CodeableConcept
	Interpretation       List[CodeableConcept]
	Component            List[Component]
	Conclusion           Text
	ConclusionCode       List[CodeableConcept]
	Criticality          Text
	Reaction             List[Reaction]
	DosageInstruction    List[Dosage]
	Dosage               List[Dosage]
	DoseQuantity         Quantity
	Quantity             Quantity
	ReasonCode           List[CodeableConcept]
	Outcome              CodeableConcept
	Note                 List[Annotation]
	Activity             List[Activity]
	Content              List[Content]
	Condition            List[FamilyCondition]
	Series               List[Series]

	// Who a person is.
	BirthDate       Date
	Gender          Text
	DeceasedBoolean Truth
	// DeceasedDateTime says that the person has died, as DeceasedBoolean does.
	DeceasedDateTime Date
	Address          List[Address]
	Telecom          List[ContactPoint]
	Contact          List[Contact]
}

// Contained is a resource within another, still unread. FHIR nests them no
// deeper, and reading them only when they are pointed to keeps it so.
type Contained []byte

// UnmarshalJSON keeps the bytes.
func (c *Contained) UnmarshalJSON(data []byte) error {
	*c = bytes.Clone(data)
	return nil
}

// Locals are the contained resources, read. One that cannot be read is an error.
func (r *Resource) Locals() ([]*Resource, error) {
	var all []*Resource
	for _, raw := range r.Contained {
		local, err := Decode(raw)
		if err != nil {
			return nil, err
		}
		all = append(all, local)
	}
	return all, nil
}

// Local is the contained resource to which "#id" points; nil when there is none
// or it cannot be read.
func (r *Resource) Local(reference string) *Resource {
	id, ok := strings.CutPrefix(reference, "#")
	if !ok || id == "" {
		return nil
	}
	for _, raw := range r.Contained {
		if _, own := Head(raw); own != id {
			continue
		}
		if local, err := Decode(raw); err == nil {
			return local
		}
	}
	return nil
}

// Performer is who did something: a reference, or a member with one.
type Performer struct {
	Reference
	Actor Reference
}

// Who is the one of the two that is there.
func (p Performer) Who() Reference {
	if !p.Actor.IsZero() {
		return p.Actor
	}
	return p.Reference
}

// Participant takes part in an encounter (Individual) or a team (Member).
type Participant struct {
	Individual Reference
	Member     Reference
	OnBehalfOf Reference
	Period     Period
}

// Component is one part of an observation of several.
type Component struct {
	Code                 CodeableConcept
	ValueQuantity        Quantity
	ValueCodeableConcept CodeableConcept
	ValueString          Text
	ValueInteger         Decimal
	ValueBoolean         Truth
	DataAbsentReason     CodeableConcept
}

// Reaction is what an allergy did.
type Reaction struct {
	Substance     CodeableConcept
	Manifestation List[CodeableConcept]
	Description   Text
	Severity      Text
}

// Dosage is how a medicine is taken.
type Dosage struct {
	Text  Text
	Route CodeableConcept
	Dose  Quantity
	// DoseAndRate of R4's Dosage; Dose is an administration's.
	DoseAndRate List[DoseAndRate]
}

// DoseAndRate is an amount to take.
type DoseAndRate struct {
	DoseQuantity Quantity
}

// Activity is a step of a plan.
type Activity struct {
	Detail struct {
		Code        CodeableConcept
		Description Text
		Status      Text
	}
}

// Contact is somebody to reach about a person.
type Contact struct {
	Relationship List[CodeableConcept]
	Name         HumanName
	Telecom      List[ContactPoint]
}

// Content is a document's file.
type Content struct {
	Attachment struct {
		Title       Text
		ContentType Text
	}
}

// FamilyCondition is an illness of a relative.
type FamilyCondition struct {
	Code CodeableConcept
}

// Series is one series of an imaging study.
type Series struct {
	Modality    CodeableConcept
	BodySite    CodeableConcept
	Description Text
}

// Kind is the type as text.
func (r *Resource) Kind() string { return string(r.ResourceType) }
