package service

import (
	"slices"

	"github.com/dorsetcarerecord/dcr/gateway/internal/access"
	"github.com/dorsetcarerecord/dcr/gateway/internal/pagetoken"
	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Reasons of the services behind that callers of the gateway are told, as the
// contract lists them per RPC.
const (
	reasonPatientNotFound      = access.ReasonPatientNotFound
	reasonEntryNotFound        = "ENTRY_NOT_FOUND"
	reasonSearchTooWide        = "SEARCH_TOO_WIDE"
	reasonNotRestricted        = "NOT_RESTRICTED"
	reasonGrantNotAllowed      = "GRANT_NOT_ALLOWED"
	reasonStaffNotFound        = "STAFF_NOT_FOUND"
	reasonStaffExists          = "STAFF_EXISTS"
	reasonRoleExists           = "ROLE_EXISTS"
	reasonRoleNotFound         = "ROLE_NOT_FOUND"
	reasonRelationshipNotFound = "RELATIONSHIP_NOT_FOUND"
	reasonNotEndable           = "NOT_ENDABLE"
	reasonOrganisationNotFound = "ORGANISATION_NOT_FOUND"
	reasonOrganisationExists   = "ORGANISATION_EXISTS"
	reasonClientTaken          = "CLIENT_ID_TAKEN"
	reasonNotProspective       = "NOT_PROSPECTIVE"
	reasonVersionChanged       = "VERSION_CHANGED"
	reasonCaseNotFound         = "CASE_NOT_FOUND"
	reasonStepNotAllowed       = "STEP_NOT_ALLOWED"
	reasonOptOutNotFound       = "OPT_OUT_NOT_FOUND"
	reasonAlreadyOut           = "ALREADY_OPTED_OUT"
	reasonNotOut               = "NOT_OPTED_OUT"
	reasonDocumentNotFound     = "DOCUMENT_NOT_FOUND"
	reasonLetterNotFound       = "LETTER_NOT_FOUND"
	reasonLetterNotFailed      = "LETTER_NOT_FAILED"
	reasonImportNotFound       = "IMPORT_NOT_FOUND"
	reasonImportChanged        = "IMPORT_CHANGED"
	reasonCodeNotAccepted      = "CODE_NOT_ACCEPTED"
	reasonStatusNotFound       = "STATUS_NOT_FOUND"
	reasonSameNumber           = "SAME_NUMBER"
	reasonAlreadyMerged        = "ALREADY_MERGED"
	reasonAlreadyUnmerged      = "ALREADY_UNMERGED"
	reasonMergeNotFound        = "MERGE_NOT_FOUND"
	reasonNotHeld              = "HELD_PERSON_NOT_FOUND"
	reasonNothingToDecide      = "NOTHING_TO_DECIDE"
	reasonSealed               = "SEALED"
	reasonChoiceMismatch       = "CHOICE_MISMATCH"
	reasonCheckpointNotFound   = "CHECKPOINT_NOT_FOUND"
	reasonTileNotFound         = "TILE_NOT_FOUND"
	reasonEventNotFound        = "EVENT_NOT_FOUND"
)

// told is what a caller is told about the error of a service behind: the
// reasons that the contract lists for the call, refusals of the request's own
// fields, and that something cannot be reached. Everything else that a service
// says was said to us, and is a fault of ours.
func told(err error, listed ...string) error {
	f := fault.FromStatus(err)
	switch f.Kind {
	case fault.KindUnavailable, fault.KindTimeout, fault.KindCanceled:
		return f
	}
	if slices.Contains(listed, f.Reason) || slices.Contains(always(), f.Reason) {
		return f
	}
	return fault.Internal(err)
}

// always may be told by any call.
func always() []string {
	return []string{
		ReasonInvalidArgument, access.ReasonInvalidNHSNumber, pagetoken.ReasonInvalid,
		"REQUEST_ID_REUSED", "CONCURRENT_CHANGE",
	}
}

// life are the reasons for which a step in the life of an opt-out is refused
// (docs/design/opt-out.md), and more that one call has beside.
func life(more ...string) []string {
	return append(more, reasonOptOutNotFound, reasonAlreadyOut, reasonNotOut,
		"REQUEST_CLOSED", "STEP_NOT_POSSIBLE", "STEP_NOT_YOURS", "CHANNEL_NOT_ALLOWED", "NOT_MATCHED", "MATCHED",
		"NOTHING_OUTSTANDING", "CONFIRMATION_NEEDED", "EVIDENCE_NEEDED", "SAFEGUARDING_DECISION_NEEDED", "SIGN_OFF_NEEDED",
		"NO_SAFEGUARDING_DECISION_NEEDED", "NOT_A_CANDIDATE", "PRIVACY_OFFICER_NEEDED", "NOT_A_DUPLICATE", "NOT_EXPIRED",
		"NOT_IN_FORCE")
}

// documentReasons are those for which a document is not kept.
func documentReasons() []string {
	return []string{"DOCUMENT_TYPE", "DOCUMENT_TYPE_DIFFERS", "DOCUMENT_INCOMPLETE", "DOCUMENT_EMPTY", "DOCUMENT_TOO_LARGE", "TOO_MANY_DOCUMENTS"}
}

// shown is told for record-svc's reads: what it finds by itself about the choice
// passes too, and the pipeline says it as if the decision had found it.
func shown(err error, listed ...string) error {
	return told(err, append(listed, reasonSealed, reasonChoiceMismatch)...)
}
