-- Merges of NHS numbers, and how far each is. They are few, and led from here (DESIGN section 6).
-- Lock risk: none, the table is new. patient.superseded_by, which lookups follow, is there since the first release.

-- +goose Up
SET lock_timeout = '5s';
CREATE TABLE number_merge (
    id                    uuid        NOT NULL, -- UUIDv7, so that lists by it are lists by time
    nhs_number            text        NOT NULL CHECK (nhs_number ~ '^[0-9]{10}$'),
    superseded_nhs_number text        NOT NULL CHECK (superseded_nhs_number ~ '^[0-9]{10}$'),
    state                 smallint    NOT NULL CHECK (state BETWEEN 1 AND 5), -- as package merge has it
    reason                text        NOT NULL,
    actor                 bytea       NOT NULL, -- dcr.audit.v1.Actor who asked for the last change
    begun_at              timestamptz NOT NULL,
    linked_at             timestamptz,
    published_at          timestamptz,
    unmerged_at           timestamptz,
    version               bigint      NOT NULL DEFAULT 1,
    CONSTRAINT number_merge_pkey PRIMARY KEY (id),
    CONSTRAINT number_merge_two CHECK (nhs_number <> superseded_nhs_number)
);
CREATE INDEX number_merge_in_force ON number_merge (nhs_number);
CREATE INDEX number_merge_superseded ON number_merge (superseded_nhs_number);
GRANT SELECT, INSERT ON number_merge TO dcr_identity_app;
GRANT UPDATE (state, actor, linked_at, published_at, unmerged_at, version) ON number_merge TO dcr_identity_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE number_merge;
