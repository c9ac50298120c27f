-- Months whose events were deleted when their time was over ("audit-svc drop"). Their leaves and tiles stay, so that the
-- tree and every proof stand. The row says what was there; the event that it names says the same in the log itself,
-- so that nobody deletes a month in silence by adding a row.
--
-- The owner alone writes here; the service and fsck read.
--
-- Lock risk: none, the table is new.

-- +goose Up
SET lock_timeout = '5s';

CREATE TABLE dropped_month (
    month           date        NOT NULL CONSTRAINT dropped_month_first CHECK (extract(day FROM month) = 1),
    events          bigint      NOT NULL CONSTRAINT dropped_month_events CHECK (events >= 0),
    leaves_sha256   bytea       NOT NULL CONSTRAINT dropped_month_leaves CHECK (octet_length(leaves_sha256) = 32),
    manifest_sha256 bytea       NOT NULL CONSTRAINT dropped_month_manifest CHECK (octet_length(manifest_sha256) = 32),
    policy_version  text        NOT NULL,
    event_id        uuid        NOT NULL,
    dropped_at      timestamptz NOT NULL,
    CONSTRAINT dropped_month_pkey PRIMARY KEY (month)
);

COMMENT ON COLUMN dropped_month.leaves_sha256 IS 'SHA-256 over index (8 bytes, big endian) and hash of every leaf of the month, in order.';
COMMENT ON COLUMN dropped_month.manifest_sha256 IS 'Of the manifest of the archive that was verified before the events were deleted.';
COMMENT ON COLUMN dropped_month.event_id IS 'The event of the deletion.';

GRANT SELECT ON dropped_month TO dcr_audit_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE dropped_month;
