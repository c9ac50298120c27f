-- An opt-out becomes a request with a life of its own, and a choice what comes of it. Until now one row was both,
-- and could not wait, be refused or belong to nobody yet.
--
-- opt_out keeps its name and gets its key by id: a request may not know its person yet, so it cannot be
-- distributed by person. choice leads with the person, like choice_in_force, and is what a person's history is
-- read from.
--
-- The previous release may still run: it inserts requests that are effective at once, which the defaults and the
-- two triggers below complete, and it reads rows as before (choice_number 0 is a request without effect).
--
-- Lock risk: opt_out is locked for as long as its key is built anew; it has some thousands of rows.

-- +goose Up
SET lock_timeout = '5s';

-- What a person chose, numbered. Nothing of it changes but when record-svc had it too.
CREATE TABLE choice (
    nhs_number    text        NOT NULL CONSTRAINT choice_nhs_number CHECK (nhs_number ~ '^[0-9]{10}$'),
    choice_number bigint      NOT NULL CONSTRAINT choice_number CHECK (choice_number > 0),
    id            uuid        NOT NULL, -- of the message that tells record-svc
    sealed        boolean     NOT NULL,
    opt_out_id    uuid,                 -- the request that it came of, if any
    cause         text        NOT NULL CONSTRAINT choice_cause CHECK (cause IN ('request', 'reversal', 'link', 'unlink')),
    made_at       timestamptz NOT NULL,
    confirmed_at  timestamptz,
    CONSTRAINT choice_pkey PRIMARY KEY (nhs_number, choice_number)
);
CREATE INDEX choice_unconfirmed ON choice (made_at) WHERE confirmed_at IS NULL;
INSERT INTO choice (nhs_number, choice_number, id, sealed, opt_out_id, cause, made_at, confirmed_at)
SELECT nhs_number, choice_number, id, sealed, id, 'request', registered_at, confirmed_at FROM opt_out;

ALTER TABLE opt_out DROP CONSTRAINT opt_out_pkey;
ALTER TABLE opt_out DROP CONSTRAINT opt_out_number;
DROP INDEX opt_out_id;
DROP INDEX opt_out_unconfirmed;
ALTER TABLE opt_out
    ADD CONSTRAINT opt_out_pkey PRIMARY KEY (id),
    ADD CONSTRAINT opt_out_number CHECK (choice_number >= 0),
    ADD CONSTRAINT opt_out_state CHECK (state IN
        ('received', 'needs_matching', 'needs_evidence', 'ready', 'effective', 'refused', 'withdrawn', 'reversed')),
    ADD CONSTRAINT opt_out_of_somebody CHECK (nhs_number IS NOT NULL OR choice_number = 0),
    ALTER nhs_number DROP NOT NULL,
    ALTER choice_number SET DEFAULT 0,
    ADD state                   text     NOT NULL DEFAULT 'effective', -- as package request names it
    ADD steps                   integer  NOT NULL DEFAULT 1,           -- number of the last one
    ADD letter_format           smallint NOT NULL DEFAULT 1,
    ADD policy_version          text     NOT NULL DEFAULT '',
    ADD channel_evidence        jsonb    NOT NULL DEFAULT '{}',        -- as the contract has it
    ADD confirmed_by_person_at  timestamptz,                           -- the right code came back
    ADD checked_at              timestamptz,                           -- a privacy officer has checked all evidence
    ADD evidence_from           integer  NOT NULL DEFAULT 0,           -- evidence up to this number was for another match
    ADD asked                   text[]   NOT NULL DEFAULT '{}',        -- kinds of evidence that were asked for and have not come
    ADD signed_off_at           timestamptz,                           -- a privacy officer confirmed a candidate
    ADD protected_child         boolean  NOT NULL DEFAULT false,       -- a child with safeguarding entries, when last asked
    ADD safeguarding_allowed_at timestamptz,
    ADD register                text     NOT NULL DEFAULT '',          -- older system that it is a candidate of
    ADD row_id                  text     NOT NULL DEFAULT '',
    ADD row_hash                bytea,
    ADD duplicate_of            text     NOT NULL DEFAULT '',          -- reference of the first
    ADD renews                  uuid,                                  -- the reversed request that this goes on from
    ADD renewed_as              uuid;
CREATE INDEX opt_out_person ON opt_out (nhs_number, id) WHERE nhs_number IS NOT NULL;
CREATE INDEX opt_out_open ON opt_out (received_at) WHERE state IN ('received', 'needs_matching', 'needs_evidence', 'ready');
CREATE INDEX opt_out_received ON opt_out (received_at);
CREATE UNIQUE INDEX opt_out_row ON opt_out (register, row_id) WHERE register <> '';

-- The life of a request. Steps are only ever added.
CREATE TABLE step (
    opt_out_id     uuid        NOT NULL,
    number         integer     NOT NULL CONSTRAINT step_number CHECK (number > 0),
    at             timestamptz NOT NULL,
    event          text        NOT NULL,
    from_state     text        NOT NULL, -- empty for the first
    to_state       text        NOT NULL,
    actor          text        NOT NULL,
    staff_id       text        NOT NULL DEFAULT '',
    staff_display  text        NOT NULL DEFAULT '',
    role_code      text        NOT NULL DEFAULT '',
    ods_code       text        NOT NULL DEFAULT '',
    reason         text        NOT NULL DEFAULT '',
    note           text        NOT NULL DEFAULT '',
    policy_version text        NOT NULL DEFAULT '',
    event_id       uuid,                 -- the audit event that accounts for it
    related_id     uuid,                 -- another request
    CONSTRAINT step_pkey PRIMARY KEY (opt_out_id, number)
);
INSERT INTO step (opt_out_id, number, at, event, from_state, to_state, actor, event_id)
SELECT id, 1, registered_at, 'make_effective', '', 'effective', 'privacy_officer', event_id FROM opt_out;

-- What a request says of the person and of the requester. It is forgotten when nobody ever confirmed it.
CREATE TABLE claim (
    opt_out_id            uuid NOT NULL,
    nhs_number            text NOT NULL, -- as claimed; empty when none was given
    family_name           text NOT NULL,
    family_key            text NOT NULL, -- folded, for comparing
    given_names           text NOT NULL,
    birth_date            text NOT NULL, -- YYYY-MM-DD
    postcode              text NOT NULL,
    requester_family_name text NOT NULL,
    requester_given_names text NOT NULL,
    requester_birth_date  text NOT NULL,
    relation              text NOT NULL,
    authority             text NOT NULL,
    CONSTRAINT claim_pkey PRIMARY KEY (opt_out_id)
);
CREATE INDEX claim_nhs_number ON claim (nhs_number) WHERE nhs_number <> '';
CREATE INDEX claim_name ON claim (birth_date, family_key);

-- Proofs that a privacy officer has seen.
CREATE TABLE evidence (
    opt_out_id      uuid        NOT NULL,
    number          integer     NOT NULL CONSTRAINT evidence_number CHECK (number > 0),
    kind            text        NOT NULL,
    note            text        NOT NULL,
    seen_on         text        NOT NULL, -- YYYY-MM-DD
    document_sha256 text        NOT NULL,
    staff_id        text        NOT NULL,
    staff_display   text        NOT NULL,
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT evidence_pkey PRIMARY KEY (opt_out_id, number)
);

-- Scans, by their content.
CREATE TABLE document (
    opt_out_id    uuid        NOT NULL,
    sha256        text        NOT NULL CONSTRAINT document_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    media_type    text        NOT NULL,
    size          integer     NOT NULL,
    content       bytea       NOT NULL,
    staff_id      text        NOT NULL,
    staff_display text        NOT NULL,
    added_at      timestamptz NOT NULL,
    CONSTRAINT document_pkey PRIMARY KEY (opt_out_id, sha256)
);
ALTER TABLE document ALTER content SET STORAGE EXTERNAL; -- images and PDFs are compressed already

-- One-time codes: never the code, only what one is compared with.
CREATE TABLE code (
    opt_out_id  uuid        NOT NULL,
    hash        bytea       NOT NULL,
    valid_until timestamptz NOT NULL,
    attempts    integer     NOT NULL DEFAULT 0,
    sent        integer     NOT NULL,
    CONSTRAINT code_pkey PRIMARY KEY (opt_out_id)
);

-- How often a reference was tried, whether there is one or not: by its hash, within the hour.
CREATE TABLE attempt (
    reference_hash bytea       NOT NULL,
    since          timestamptz NOT NULL,
    tries          integer     NOT NULL,
    CONSTRAINT attempt_pkey PRIMARY KEY (reference_hash)
);
CREATE INDEX attempt_age ON attempt (since);

-- +goose StatementBegin
CREATE FUNCTION opt_out_of_previous_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO choice (nhs_number, choice_number, id, sealed, opt_out_id, cause, made_at)
        VALUES (NEW.nhs_number, NEW.choice_number, NEW.id, NEW.sealed, NEW.id, 'request', NEW.registered_at);
        INSERT INTO step (opt_out_id, number, at, event, from_state, to_state, actor, event_id)
        VALUES (NEW.id, 1, NEW.registered_at, 'make_effective', '', 'effective', 'privacy_officer', NEW.event_id);
    ELSE
        UPDATE choice SET confirmed_at = NEW.confirmed_at
        WHERE nhs_number = NEW.nhs_number AND choice_number = NEW.choice_number AND confirmed_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER opt_out_inserted AFTER INSERT ON opt_out FOR EACH ROW WHEN (NEW.choice_number > 0)
    EXECUTE FUNCTION opt_out_of_previous_release();
CREATE TRIGGER opt_out_confirmed AFTER UPDATE OF confirmed_at ON opt_out FOR EACH ROW
    EXECUTE FUNCTION opt_out_of_previous_release();

GRANT SELECT, INSERT ON choice, step, evidence, document TO dcr_optout_app;
GRANT UPDATE (confirmed_at) ON choice TO dcr_optout_app;
GRANT SELECT, INSERT, DELETE ON claim TO dcr_optout_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON code, attempt TO dcr_optout_app;
-- What was asked, by whom and when is never rewritten; where it stands is.
GRANT UPDATE (nhs_number, choice_number, state, steps, confirmed_by_person_at, checked_at, evidence_from, asked,
              signed_off_at, protected_child, safeguarding_allowed_at, duplicate_of, renewed_as) ON opt_out TO dcr_optout_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TRIGGER opt_out_confirmed ON opt_out;
DROP TRIGGER opt_out_inserted ON opt_out;
DROP FUNCTION opt_out_of_previous_release();
DROP TABLE attempt, code, document, evidence, claim, step;
DELETE FROM opt_out WHERE choice_number = 0;
UPDATE opt_out o SET registered_at = c.made_at, confirmed_at = c.confirmed_at
FROM choice c WHERE c.nhs_number = o.nhs_number AND c.choice_number = o.choice_number;
DROP INDEX opt_out_row, opt_out_received, opt_out_open, opt_out_person;
ALTER TABLE opt_out
    DROP CONSTRAINT opt_out_pkey, DROP CONSTRAINT opt_out_number, DROP CONSTRAINT opt_out_state,
    DROP CONSTRAINT opt_out_of_somebody,
    DROP state, DROP steps, DROP letter_format, DROP policy_version, DROP channel_evidence, DROP confirmed_by_person_at,
    DROP checked_at, DROP evidence_from, DROP asked, DROP signed_off_at, DROP protected_child,
    DROP safeguarding_allowed_at, DROP register, DROP row_id, DROP row_hash, DROP duplicate_of, DROP renews, DROP renewed_as,
    ALTER nhs_number SET NOT NULL, ALTER choice_number DROP DEFAULT,
    ADD CONSTRAINT opt_out_pkey PRIMARY KEY (nhs_number, choice_number),
    ADD CONSTRAINT opt_out_number CHECK (choice_number > 0);
DROP TABLE choice;
CREATE INDEX opt_out_id ON opt_out (id);
CREATE INDEX opt_out_unconfirmed ON opt_out (registered_at) WHERE confirmed_at IS NULL;
