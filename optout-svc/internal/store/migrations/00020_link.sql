-- Links between two NHS numbers of one person, what became of those that were undone, and which waiting requests
-- could mean people who are new to the record.
--
-- Links are few. A choice looks for the links of its number by the two indexes, in the transaction of a change; no
-- view reads them, since each number's choice in force stands in a row of its own.
-- Lock risk: none, the tables are new. The previous release does not know of links: no number is linked while it
-- runs beside this one (identity-svc's LinkNumbers is answered by this release alone, and a choice that the
-- previous one makes under one number is not made under the other). Merge when the roll-out is over.

-- +goose Up
SET lock_timeout = '5s';

CREATE TABLE link (
    link_id          uuid        NOT NULL,
    nhs_number       text        NOT NULL CONSTRAINT link_nhs_number CHECK (nhs_number ~ '^[0-9]{10}$'),
    other_nhs_number text        NOT NULL CONSTRAINT link_other_nhs_number CHECK (other_nhs_number ~ '^[0-9]{10}$'),
    linked_at        timestamptz, -- NULL: it was undone before it was heard of
    unlinked_at      timestamptz, -- final
    CONSTRAINT link_pkey PRIMARY KEY (link_id),
    CONSTRAINT link_two CHECK (nhs_number < other_nhs_number),
    CONSTRAINT link_heard CHECK (linked_at IS NOT NULL OR unlinked_at IS NOT NULL)
);
CREATE INDEX link_first ON link (nhs_number) WHERE unlinked_at IS NULL;
CREATE INDEX link_second ON link (other_nhs_number) WHERE unlinked_at IS NULL;

-- Each side of a link that was undone: sealed until a privacy officer decides.
CREATE TABLE unlinked (
    nhs_number       text        NOT NULL,
    link_id          uuid        NOT NULL,
    other_nhs_number text        NOT NULL,
    unlinked_at      timestamptz NOT NULL,
    decided_at       timestamptz,
    staff_id         text        NOT NULL DEFAULT '',
    note             text        NOT NULL DEFAULT '',
    CONSTRAINT unlinked_pkey PRIMARY KEY (nhs_number, link_id)
);
CREATE INDEX unlinked_open ON unlinked (nhs_number, link_id) WHERE decided_at IS NULL;

-- A person who is new to the record, and a request that could mean them, from the moment that it was noticed.
CREATE TABLE new_person (
    nhs_number   text        NOT NULL CONSTRAINT new_person_nhs_number CHECK (nhs_number ~ '^[0-9]{10}$'),
    opt_out_id   uuid        NOT NULL,
    noticed_at   timestamptz NOT NULL,
    dismissed_at timestamptz, -- a privacy officer has decided that the request means somebody else
    staff_id     text        NOT NULL DEFAULT '',
    note         text        NOT NULL DEFAULT '',
    CONSTRAINT new_person_pkey PRIMARY KEY (nhs_number, opt_out_id)
);
CREATE INDEX new_person_open ON new_person (nhs_number, opt_out_id) WHERE dismissed_at IS NULL;

-- What was noticed and linked is kept; only what became of it is written later.
GRANT SELECT, INSERT ON link, unlinked, new_person TO dcr_optout_app;
GRANT UPDATE (unlinked_at) ON link TO dcr_optout_app;
GRANT UPDATE (decided_at, staff_id, note) ON unlinked TO dcr_optout_app;
GRANT UPDATE (dismissed_at, staff_id, note) ON new_person TO dcr_optout_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE new_person, unlinked, link;
