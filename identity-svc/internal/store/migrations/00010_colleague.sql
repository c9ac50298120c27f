-- +goose Up
-- Whether a person is a member of staff is asked with every view, by the person's number.
-- Lock risk: writers of staff wait while the index is built over some ten thousand rows: a moment.
SET lock_timeout = '5s';

CREATE INDEX staff_own_number ON staff (own_nhs_number) WHERE own_nhs_number IS NOT NULL;

-- +goose Down
SET lock_timeout = '5s';
DROP INDEX staff_own_number;
