-- The record: what partners sent, as it came, and beside it what readers see, ready.
--
-- Every table about a person leads with the NHS number, so that it can be distributed by person.
-- Lock risk: none, the tables are new.

-- +goose Up
SET lock_timeout = '5s';

-- One row per person with a record. Ingest locks it first, then reads, writes and renders, so that two
-- feeds for one person at the same moment both count.
CREATE TABLE person (
    nhs_number   text        NOT NULL PRIMARY KEY CONSTRAINT person_nhs_number CHECK (nhs_number ~ '^[0-9]{10}$'),
    sequence     bigint      NOT NULL, -- accepted bundles; numbers the messages to identity-svc
    family_name  text        NOT NULL,
    given_name   text        NOT NULL,
    birth_date   text        NOT NULL, -- as the feed has it: YYYY-MM-DD, or less
    family_fold  text        NOT NULL,
    given_fold   text        NOT NULL,
    gp_ods_code  text        NOT NULL, -- practice of registration; empty when no feed names one
    restricted   boolean     NOT NULL, -- flagged sensitive by any feed
    rules        text        NOT NULL, -- version of the never-shared code sets that its lines and pieces were rendered under
    updated_at   timestamptz NOT NULL
);
CREATE INDEX person_twin ON person (family_fold, birth_date);

-- The opt-out choice: a row of its own, there whether or not a record exists, and never copied into others.
CREATE TABLE choice (
    nhs_number    text        NOT NULL PRIMARY KEY CONSTRAINT choice_nhs_number CHECK (nhs_number ~ '^[0-9]{10}$'),
    choice_number bigint      NOT NULL CONSTRAINT choice_number CHECK (choice_number > 0),
    sealed        boolean     NOT NULL,
    told_at       timestamptz NOT NULL
);

-- Partner organisations that sent something, and how fresh their feed is.
CREATE TABLE source (
    ods_code         text        NOT NULL PRIMARY KEY,
    name             text        NOT NULL,
    kind             integer     NOT NULL, -- dcr.identity.v1.OrganisationKind
    last_received_at timestamptz                   -- NULL while all that it sent was refused
);

-- One row per resource that a sender names; its versions are below. Hidden ones stay.
CREATE TABLE entry (
    nhs_number      text        NOT NULL,
    id              uuid        NOT NULL,
    source_ods_code text        NOT NULL,
    type            text        NOT NULL,
    key_id          text        NOT NULL, -- logical id, business identifier or fullUrl: bundle.Key
    state           smallint    NOT NULL, -- store.State
    version         integer     NOT NULL, -- the current one
    versions        integer     NOT NULL, -- how many there are
    ordered_at      timestamptz NOT NULL, -- of the current version
    received_at     timestamptz NOT NULL, -- of the current version
    content         text        NOT NULL, -- section.Entry as JSON, computed at ingest; empty unless it is one
    -- What readers see, for an entry that leads its group of equals; NULL otherwise.
    section         text,
    sort_at         timestamptz,
    codes           text[],               -- each code, and each system|code
    sources         text[],
    full_body       text,
    summary_body    text,                 -- NULL when the summary leaves it out
    PRIMARY KEY (nhs_number, id),
    CONSTRAINT entry_key UNIQUE (nhs_number, source_ods_code, type, key_id)
);
-- Which person a sender's resource belongs to: the one look over all persons, at ingest only.
CREATE INDEX entry_sender ON entry (source_ods_code, type, key_id, (state = 2));
CREATE INDEX entry_list ON entry (nhs_number, sort_at DESC, id DESC) WHERE full_body IS NOT NULL;

CREATE TABLE version (
    nhs_number      text        NOT NULL,
    entry_id        uuid        NOT NULL,
    version         integer     NOT NULL, -- by arrival, from 1
    ordered_at      timestamptz NOT NULL,
    order_given     boolean     NOT NULL, -- false: ordered by arrival
    received_at     timestamptz NOT NULL,
    deleted         boolean     NOT NULL, -- a tombstone
    section         text        NOT NULL, -- where it belongs; empty for tombstones and supporting resources
    raw             text,                 -- byte for byte as it came; NULL for tombstones and what is never shared
    sha256          bytea       NOT NULL, -- of raw, also where raw is not kept
    content_sha256  bytea       NOT NULL, -- of raw without white space
    never_shared    text        NOT NULL, -- version of the code sets that withheld it; empty when kept
    event_id        uuid        NOT NULL, -- of the audit event of the bundle that brought it
    PRIMARY KEY (nhs_number, entry_id, version)
);

-- A section of a person's record as ready JSON, kept as compressed text: a view selects and joins. Unbroken
-- views of restricted people, who are few, are rendered when they are asked for.
CREATE TABLE piece (
    nhs_number      text        NOT NULL,
    section         text        NOT NULL,
    form            text        NOT NULL, -- full or summary
    rules           text        NOT NULL, -- version of the never-shared code sets that it was rendered under
    body            text        NOT NULL,
    entries         integer     NOT NULL,
    sources         text[]      NOT NULL,
    source_entries  integer[]   NOT NULL,
    source_latest   text[]      NOT NULL, -- RFC 3339
    PRIMARY KEY (nhs_number, section, form)
);

-- Refused bundles, without what they said. nhs_number only where the bundle named one that is valid.
CREATE TABLE refusal (
    id              uuid        NOT NULL PRIMARY KEY,
    source_ods_code text        NOT NULL,
    nhs_number      text        NOT NULL,
    refused_at      timestamptz NOT NULL,
    reason          text        NOT NULL,
    expression      text        NOT NULL,
    bundle_sha256   bytea       NOT NULL
);
CREATE INDEX refusal_source ON refusal (source_ods_code, id DESC);
CREATE INDEX refusal_person ON refusal (nhs_number, source_ods_code, refused_at DESC) WHERE nhs_number <> '';

-- The last accepted bundle of each source for each person: a refusal before it no longer shows.
CREATE TABLE accepted (
    nhs_number      text        NOT NULL,
    source_ods_code text        NOT NULL,
    accepted_at     timestamptz NOT NULL,
    PRIMARY KEY (nhs_number, source_ods_code)
);

CREATE TABLE outbox (
    key             text        NOT NULL,
    turn            bigint      NOT NULL,
    id              uuid        NOT NULL,
    topic           text        NOT NULL,
    payload         bytea       NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    attempts        integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    claim           uuid,
    claimed_until   timestamptz,
    parked_at       timestamptz,
    parked_reason   text,
    holds           boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (key, turn),
    UNIQUE (key, id)
);
CREATE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE parked_at IS NULL;

-- lz4 unpacks several times faster than the default; a server built without it keeps the default.
-- +goose StatementBegin
DO $$
BEGIN
  ALTER TABLE piece ALTER COLUMN body SET COMPRESSION lz4;
  ALTER TABLE version ALTER COLUMN raw SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  RAISE NOTICE 'this PostgreSQL has no lz4: records are kept with its default compression';
END
$$;
-- +goose StatementEnd

GRANT SELECT, INSERT, UPDATE ON person, choice, source, entry, accepted TO dcr_record_app;
GRANT SELECT, INSERT ON version, refusal TO dcr_record_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON piece, outbox TO dcr_record_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE outbox, accepted, refusal, piece, version, entry, source, choice, person;
