-- Where a person can be reached besides by letter, as feeds bring it. For optout-svc's confirmation codes alone:
-- no view and no search reads these columns.
--
-- People who are here already have none until a feed sends their Patient again; they are written to meanwhile.
-- Lock risk: a moment's exclusive lock on patient; no row is rewritten. The previous release goes on working: it
-- does not name the columns, and leaves them as they are.

-- +goose Up
SET lock_timeout = '5s';
ALTER TABLE patient
    ADD COLUMN mobiles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN emails  text[] NOT NULL DEFAULT '{}';

-- +goose Down
SET lock_timeout = '5s';
ALTER TABLE patient DROP COLUMN mobiles, DROP COLUMN emails;
