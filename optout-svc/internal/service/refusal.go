package service

import (
	"errors"
	"strings"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/request"
)

// Reasons of refusals, beside those of packages request and claim.
const (
	ReasonNHSNumber   = "INVALID_NHS_NUMBER"
	ReasonArgument    = "INVALID_ARGUMENT"
	ReasonPageToken   = "INVALID_PAGE_TOKEN"
	ReasonMismatch    = "IDENTITY_MISMATCH"
	ReasonNotFound    = "OPT_OUT_NOT_FOUND"
	ReasonNotOut      = string(request.ReasonNotOut)
	ReasonConcurrent  = "CONCURRENT_CHANGE"
	ReasonCode        = "CODE_NOT_ACCEPTED"
	ReasonStatus      = "STATUS_NOT_FOUND"
	ReasonDocument    = "DOCUMENT_NOT_FOUND"
	ReasonManyDocs    = "TOO_MANY_DOCUMENTS"
	ReasonNoImport    = "IMPORT_NOT_FOUND"
	ReasonImport      = "IMPORT_CHANGED"
	ReasonUnavailable = "FACTS_UNAVAILABLE"
)

func notFound() error { return fault.NotFound(ReasonNotFound, "There is no such opt-out.") }

func invalid(field, text string) error { return fault.Invalid(ReasonArgument, field, text) }

// moved says that a request changed between the questions about it and its lock.
func moved() error {
	return fault.Conflict(ReasonConcurrent, "Somebody else changed this request meanwhile. Look at it, and ask again.")
}

// refused is a step that package request refuses, as the caller is told.
func refused(err error) error {
	var why *request.Error
	if !errors.As(err, &why) {
		return err
	}
	return fault.Precondition(string(why.Reason), why.Text)
}

// missing refuses an effect for the first thing that stands before it.
func missing(needs []request.Need) error {
	for _, n := range needs {
		switch n {
		case request.NeedMatch:
			return fault.Precondition(string(request.ReasonNotMatched), "It is not known whose request this is: match it first.")
		case request.NeedConfirmation:
			return fault.Precondition(string(request.ReasonConfirmation), "The person must confirm this with the code, or a privacy officer must record evidence.")
		case request.NeedEvidence:
			return fault.Precondition(string(request.ReasonEvidence), "A privacy officer must check the evidence first.")
		case request.NeedSafeguarding:
			return fault.Precondition(string(request.ReasonSafeguarding), "A safeguarding lead must decide first.")
		case request.NeedSignOff: // made by the one who asks
		}
	}
	return nil
}

// faulty tells the caller what is wrong with a claim: the first reason where it is one of ours, and every
// field. prefix is what the request calls the claim; a field that begins with ^ stands outside of it.
func faulty(problems []claim.Problem, prefix string) error {
	if len(problems) == 0 {
		return nil
	}
	reason := ReasonArgument
	if problems[0].Reason == claim.ReasonNumber {
		reason = ReasonNHSNumber
	}
	var f *fault.Error
	for i, p := range problems {
		name, outside := strings.CutPrefix(p.Field, "^")
		if !outside {
			name = prefix + p.Field
		}
		if i == 0 {
			f = fault.Invalid(reason, name, p.Text)
		} else {
			f = f.WithField(name, p.Text)
		}
		f.Fields[len(f.Fields)-1].Reason = string(p.Reason)
	}
	return f
}
