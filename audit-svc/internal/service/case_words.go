package service

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/casework"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/event"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
)

// The words of casework and those of the contract, each pair once.

func states() map[casework.State]auditv1.CaseState {
	return map[casework.State]auditv1.CaseState{
		casework.Open: auditv1.CaseState_CASE_STATE_OPEN, casework.Explained: auditv1.CaseState_CASE_STATE_EXPLAINED,
		casework.Upheld: auditv1.CaseState_CASE_STATE_UPHELD, casework.Escalated: auditv1.CaseState_CASE_STATE_ESCALATED,
		casework.Closed: auditv1.CaseState_CASE_STATE_CLOSED,
	}
}

func outcomes() map[casework.Outcome]auditv1.CaseOutcome {
	return map[casework.Outcome]auditv1.CaseOutcome{
		casework.NoOutcome: auditv1.CaseOutcome_CASE_OUTCOME_UNSPECIFIED,
		casework.Justified: auditv1.CaseOutcome_CASE_OUTCOME_JUSTIFIED, casework.Mistake: auditv1.CaseOutcome_CASE_OUTCOME_MISTAKE,
		casework.Unexplained: auditv1.CaseOutcome_CASE_OUTCOME_UNEXPLAINED, casework.Misuse: auditv1.CaseOutcome_CASE_OUTCOME_MISUSE,
		casework.Reconciled: auditv1.CaseOutcome_CASE_OUTCOME_RECONCILED,
	}
}

func kinds() map[casework.Kind]auditv1.CaseStepKind {
	return map[casework.Kind]auditv1.CaseStepKind{
		casework.Opened: auditv1.CaseStepKind_CASE_STEP_KIND_OPENED, casework.Found: auditv1.CaseStepKind_CASE_STEP_KIND_FOUND,
		casework.Reopen: auditv1.CaseStepKind_CASE_STEP_KIND_REOPEN, casework.Reconcile: auditv1.CaseStepKind_CASE_STEP_KIND_RECONCILE,
		casework.Explain: auditv1.CaseStepKind_CASE_STEP_KIND_EXPLAIN, casework.Uphold: auditv1.CaseStepKind_CASE_STEP_KIND_UPHOLD,
		casework.Escalate: auditv1.CaseStepKind_CASE_STEP_KIND_ESCALATE, casework.Close: auditv1.CaseStepKind_CASE_STEP_KIND_CLOSE,
		casework.Note: auditv1.CaseStepKind_CASE_STEP_KIND_NOTE,
	}
}

func actors() map[casework.Actor]auditv1.CaseActor {
	return map[casework.Actor]auditv1.CaseActor{
		casework.System:   auditv1.CaseActor_CASE_ACTOR_SYSTEM,
		casework.Officer:  auditv1.CaseActor_CASE_ACTOR_PRIVACY_OFFICER,
		casework.Guardian: auditv1.CaseActor_CASE_ACTOR_CALDICOTT_GUARDIAN,
	}
}

// keyOf is the word that has a value; empty when none has.
func keyOf[W ~string, V comparable](words map[W]V, value V) W {
	for word, v := range words {
		if v == value {
			return word
		}
	}
	return ""
}

func stateOf(s auditv1.CaseState) casework.State     { return keyOf(states(), s) }
func stateEnum(s string) auditv1.CaseState           { return states()[casework.State(s)] }
func outcomeEnum(outcome string) auditv1.CaseOutcome { return outcomes()[casework.Outcome(outcome)] }

// stepOf is a step in the words of the contract.
func stepOf(s store.CaseStep) (*auditv1.CaseStep, error) {
	kind, known := kinds()[casework.Kind(s.Kind)]
	if !known {
		return nil, wordless("step")
	}
	made := &auditv1.CaseStep{
		Number: int32(s.Number), Kind: kind, State: stateEnum(s.State), MadeAt: timestamppb.New(s.MadeAt), Actor: actors()[casework.Actor(s.Actor)],
		StaffId: s.StaffID, StaffDisplay: s.StaffDisplay, OdsCode: s.ODSCode, Note: s.Note, EventId: s.EventID,
		Count: int32(s.Measured), Bound: int32(s.Bound),
	}
	if k := casework.Kind(s.Kind); k == casework.Close || k == casework.Reconcile {
		made.Outcome = outcomeEnum(s.Outcome)
	}
	if len(s.Body) > 0 {
		var err error
		if made.Event, err = event.Decode(s.Body); err != nil {
			return nil, err
		}
	}
	return made, nil
}
