package store

import (
	"context"
	"fmt"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Choice is a person's opt-out choice as record-svc was told.
type Choice struct {
	// Number of the choice, 0 for a person who never chose.
	Number int64 `db:"choice_number"`
	// Sealed is true when the person is opted out.
	Sealed bool `db:"sealed"`
}

// applyChoiceSQL keeps the highest number: a late or repeated message about an older choice changes
// nothing. A message with the number that is kept changes nothing either, whatever it says.
const applyChoiceSQL = `
INSERT INTO choice AS c (nhs_number, choice_number, sealed, told_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (nhs_number) DO UPDATE
   SET choice_number = excluded.choice_number, sealed = excluded.sealed, told_at = excluded.told_at
 WHERE c.choice_number < excluded.choice_number`

const choiceSQL = `SELECT choice_number, sealed FROM choice WHERE nhs_number = $1`

// ApplyChoice applies a choice if its number is higher than the one kept, and returns the one kept. It
// returns once that is durable; every view that starts later sees it.
func (s *Store) ApplyChoice(ctx context.Context, number nhsnumber.Number, told Choice) (Choice, error) {
	if _, err := s.stmt.Exec(ctx, nil, applyChoiceSQL, string(number), told.Number, told.Sealed, s.now()); err != nil {
		return Choice{}, fmt.Errorf("apply choice: %w", postgres.Translate(err))
	}
	var kept Choice
	if err := s.stmt.Get(ctx, nil, &kept, choiceSQL, string(number)); err != nil {
		return Choice{}, fmt.Errorf("read choice: %w", postgres.Translate(err))
	}
	return kept, nil
}
