-- A person who is new to the record is held, which closes the record to every view, until optout-svc has checked
-- them against requests to opt out that wait (DOMAIN section 7). The column stands in the row that every view's
-- own statement reads.
--
-- People who are here already are not new. From now on a new row is held unless it says otherwise: the previous
-- release, which does not know the column, makes held people too while both run, and this one opens them. Until
-- the last replica of the previous release has gone, its own views look past the column.
-- Lock risk: a moment's exclusive lock on person; no row is rewritten. The index is empty when it is made, but
-- reads every row once: seconds in a county, during which bundles wait and views do not.

-- +goose Up
SET lock_timeout = '5s';
ALTER TABLE person
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN postcode text NOT NULL DEFAULT '', -- of the home; compared, never shown from here
    ADD COLUMN retired boolean NOT NULL DEFAULT false; -- merged into another number: no feed may name it
ALTER TABLE person ALTER COLUMN held SET DEFAULT true;
CREATE INDEX person_held ON person (nhs_number) WHERE held;

-- +goose Down
SET lock_timeout = '5s';
DROP INDEX person_held;
ALTER TABLE person DROP COLUMN held, DROP COLUMN postcode, DROP COLUMN retired;
