package app

import (
	"testing"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"github.com/google/uuid"
)

// TestPreviousReleaseStillRuns: while replicas of the release before are up, what they write is whole for this one,
// and what they read of ours is what they know.
func TestPreviousReleaseStillRuns(t *testing.T) {
	t.Parallel()
	s := newSuite(t)
	id := uuid.Must(uuid.NewV7())
	for _, statement := range []string{ // as that release wrote them
		`INSERT INTO choice_in_force (nhs_number, choice_number, sealed) VALUES ('9990000018', 0, false) ON CONFLICT (nhs_number) DO NOTHING`,
		`INSERT INTO opt_out (nhs_number, choice_number, id, sealed, channel, evidence, requester, received_at, registered_at, reference, event_id)
		 VALUES ('9990000018', 1, '` + id.String() + `', true, 1, 'call', 1, now(), now(), 'K7M2-9QXT-4WPC', gen_random_uuid())`,
		`UPDATE choice_in_force SET choice_number = 1, sealed = true WHERE nhs_number = '9990000018'`,
		`UPDATE opt_out SET confirmed_at = now() WHERE nhs_number = '9990000018' AND choice_number = 1 AND confirmed_at IS NULL`,
	} {
		if _, err := s.db.App.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	got := s.get(id.String())
	s.wantState(got, effective)
	if got.GetState() != optoutv1.EffectState_EFFECT_STATE_CONFIRMED || len(got.GetPersonChoices()) != 1 || len(got.GetSteps()) != 1 {
		t.Errorf("opt-out %v", got)
	}
	s.wantChoice(person, 1, true)
	in := s.mustWithdraw(id.String())
	if in.GetChoiceNumber() != 2 {
		t.Errorf("withdrawn: %v", in)
	}
	held := optOut(person)
	held.Hold = true
	s.mustRegister(held)
	var numbers []int64 // as that release reads them
	if err := s.db.App.Select(&numbers, `SELECT o.choice_number FROM opt_out o JOIN choice_in_force f ON f.nhs_number = o.nhs_number
		WHERE o.nhs_number = '9990000018' ORDER BY o.id`); err != nil || len(numbers) != 3 || numbers[2] != 0 {
		t.Errorf("choice numbers %v, %v", numbers, err)
	}
}
