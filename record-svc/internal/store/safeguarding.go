package store

import (
	"context"
	"fmt"

	"github.com/dorsetcarerecord/dcr/internal/nhsnumber"
	"github.com/dorsetcarerecord/dcr/internal/postgres"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// safeguardingSQL looks past the gate on purpose: whether a child's record has such entries decides who may seal
// it, and whether it may be opened. It tells that, and nothing of them.
const safeguardingSQL = `
SELECT EXISTS (SELECT FROM entry WHERE nhs_number = $1 AND state = 1 AND section = $2)`

// HasSafeguarding tells whether any entry of the safeguarding section is shown of a person, sealed or not.
func (s *Store) HasSafeguarding(ctx context.Context, number nhsnumber.Number) (bool, error) {
	var has bool
	if err := s.stmt.Get(ctx, nil, &has, safeguardingSQL, string(number), string(section.Safeguarding)); err != nil {
		return false, fmt.Errorf("look for safeguarding entries: %w", postgres.Translate(err))
	}
	return has, nil
}
