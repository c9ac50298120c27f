-- The log. One row is one event, kept for ever; rows are added and never changed.
--
-- Partitions are ranges of ids: an id is a UUIDv7, whose first bits are its time, so a month is a range
-- and an id alone tells where its event lies. That keeps the id unique over all months (a unique index on
-- a partitioned table must hold the partition key), lets a repeated append meet its first copy, and makes
-- the order of ids the order of time.
--
-- Partitions are made by "audit-svc migrate" and "audit-svc maintain", twelve months ahead. There is no
-- default partition: what fell into it would have to be moved under a lock that stops the whole suite.
--
-- Lock risk: none, the table is new.

-- +goose Up
SET lock_timeout = '5s';

CREATE TABLE event (
    id          uuid        NOT NULL,
    occurred_at timestamptz NOT NULL,
    stored_at   timestamptz NOT NULL,
    action      text        NOT NULL CONSTRAINT event_action CHECK (action <> ''),
    outcome     smallint    NOT NULL CONSTRAINT event_outcome CHECK (outcome BETWEEN 1 AND 4),
    reason      text        NOT NULL,
    nhs_number  text        NOT NULL CONSTRAINT event_nhs_number CHECK (nhs_number ~ '^([0-9]{10})?$'),
    staff_id    text        NOT NULL,
    ods_code    text        NOT NULL,
    nonce       bytea       NOT NULL CONSTRAINT event_nonce CHECK (octet_length(nonce) = 32),
    body        bytea       NOT NULL CONSTRAINT event_body CHECK (octet_length(body) > 0),
    leaf_hash   bytea       NOT NULL CONSTRAINT event_leaf_hash CHECK (octet_length(leaf_hash) = 32),
    CONSTRAINT event_pkey PRIMARY KEY (id)
) PARTITION BY RANGE (id);

COMMENT ON COLUMN event.body IS 'The bytes that were hashed: message dcr.audit.v1.Event. The columns beside it only serve searches.';
COMMENT ON COLUMN event.leaf_hash IS 'SHA-256 over 0x00, nonce and body (package verify).';

-- Newest first by whose record, by who looked, and by their organisation. By time, the key itself serves.
CREATE INDEX event_by_patient ON event (nhs_number, id) WHERE nhs_number <> '';
CREATE INDEX event_by_staff ON event (staff_id, id) WHERE staff_id <> '';
CREATE INDEX event_by_organisation ON event (ods_code, id) WHERE ods_code <> '';

-- The service appends and reads. Rights on a partition itself are granted to nobody.
GRANT SELECT, INSERT ON event TO dcr_audit_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE event;
