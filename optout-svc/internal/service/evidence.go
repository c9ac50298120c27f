package service

import (
	"context"
	"fmt"
	"slices"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/policy"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// evidenceStatement is a privacy officer's own word that the evidence of a channel was seen. It is no kind of
// the policy, which says instead for whom it is enough (officer_may_state).
const evidenceStatement = "statement"

// items checks proofs against the policy's kinds: each carries what its kind has to.
func (c *core) items(given []*optoutv1.EvidenceItem) ([]store.Evidence, error) {
	made := make([]store.Evidence, 0, len(given))
	for i, item := range given {
		field := fmt.Sprintf("evidence_items[%d].", i)
		kind, known := c.policy.Item(item.GetKind())
		if !known {
			return nil, invalid(field+"kind", "must be a kind of evidence that the policy knows")
		}
		e := store.Evidence{Kind: kind.Name, SeenOn: item.GetSeenOn(), DocumentSHA256: item.GetDocumentSha256()}
		if err := carries(kind, item, field); err != nil {
			return nil, err
		}
		if err := c.checkDay(field+"seen_on", e.SeenOn); err != nil {
			return nil, err
		}
		if e.SeenOn == "" {
			e.SeenOn = string(c.today())
		}
		if item.GetNote() != "" {
			note, err := claim.Line(item.GetNote(), maxNote)
			if err != nil {
				return nil, invalid(field+"note", err.Error())
			}
			e.Note = note
		}
		made = append(made, e)
	}
	return made, nil
}

// carries refuses a proof without what has to be recorded with it.
func carries(kind policy.Item, item *optoutv1.EvidenceItem, field string) error {
	switch {
	case kind.Needs(policy.CarriesText) && item.GetNote() == "":
		return invalid(field+"note", "must say: "+kind.Title)
	case kind.Needs(policy.CarriesDate) && item.GetSeenOn() == "":
		return invalid(field+"seen_on", "must say the day of: "+kind.Title)
	case kind.Needs(policy.CarriesDocument) && item.GetDocumentSha256() == "":
		return invalid(field+"document_sha256", "must name the document that is kept with the request")
	}
	return nil
}

// keep adds proofs, seen by whoever takes the step. What was asked for and has come is asked for no more.
func (t *task) keep(items []store.Evidence) {
	for _, e := range items {
		e.OptOutID, e.Number, e.RecordedAt = t.o.ID, t.lastEvidence()+1, t.at
		e.StaffID, e.StaffDisplay = t.by.staff.ID, t.by.staff.Display
		t.evidence = append(t.evidence, e)
		t.o.Asked = without(t.o.Asked, e.Kind)
	}
}

func without(kinds []string, kind string) []string {
	var left []string
	for _, k := range kinds {
		if k != kind {
			left = append(left, k)
		}
	}
	return left
}

// checkDocuments refuses proofs that name a document which is not kept with the request.
func (t *task) checkDocuments(ctx context.Context, items []store.Evidence) error {
	kept, err := t.store.Documents(ctx, t.tx, t.o.ID)
	if err != nil {
		return err
	}
	for _, e := range items {
		there := slices.ContainsFunc(kept, func(d store.Document) bool { return d.SHA256 == e.DocumentSHA256 })
		if e.DocumentSHA256 != "" && !there {
			return fault.NotFound(ReasonDocument, "This document is not kept with the request: add it first.")
		}
	}
	return nil
}
