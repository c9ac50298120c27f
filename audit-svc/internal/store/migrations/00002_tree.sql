-- The Merkle tree over the events (RFC 6962), grown by the sequencer: docs/decisions/0006-tree-in-postgresql.md.
--
-- stored_in is the transaction that stored an event. A head says which transactions its tree has taken account
-- of, so that the sequencer finds exactly the events that became visible since, however late a smaller id
-- commits. Rows of the release before have none; the sequencer's sweep finds them.
--
-- Lock risk: event is locked against all for the moment in which the column is added (nothing is
-- rewritten), and against writers while the index of each month is built: some seconds for a million events.
-- The release before goes on running: its statements name their columns.

-- +goose Up
SET lock_timeout = '5s';

ALTER TABLE event ADD COLUMN stored_in xid8;
ALTER TABLE event ALTER COLUMN stored_in SET DEFAULT pg_current_xact_id();
CREATE INDEX event_by_transaction ON event (stored_in, id);

COMMENT ON COLUMN event.stored_in IS 'The transaction that stored the event, as the server numbers it. Not part of what is hashed.';

-- One row is one leaf. The keys are a fence: an index has one event, and an event one index.
CREATE TABLE leaf (
    leaf_index bigint NOT NULL CONSTRAINT leaf_index CHECK (leaf_index >= 0),
    event_id   uuid   NOT NULL,
    leaf_hash  bytea  NOT NULL CONSTRAINT leaf_hash CHECK (octet_length(leaf_hash) = 32),
    CONSTRAINT leaf_pkey PRIMARY KEY (leaf_index),
    CONSTRAINT leaf_event UNIQUE (event_id)
);

-- Whole tiles of height 8 (C2SP tlog-tiles), each written once. Tiles at the right edge are no rows: those of
-- level 0 are the last leaves, those above are the roots of the tiles below.
CREATE TABLE tile (
    level      smallint NOT NULL CONSTRAINT tile_level CHECK (level BETWEEN 0 AND 5),
    tile_index bigint   NOT NULL CONSTRAINT tile_index CHECK (tile_index >= 0),
    hashes     bytea    NOT NULL CONSTRAINT tile_hashes CHECK (octet_length(hashes) = 8192),
    root       bytea    NOT NULL CONSTRAINT tile_root CHECK (octet_length(root) = 32),
    CONSTRAINT tile_pkey PRIMARY KEY (level, tile_index)
);
ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL; -- hashes do not compress

-- Heads are a chain: each continues one head, and no head is continued twice. That is the second fence.
CREATE TABLE tree_head (
    tree_size  bigint      NOT NULL,
    after_size bigint      CONSTRAINT tree_head_after REFERENCES tree_head (tree_size),
    root_hash  bytea       NOT NULL CONSTRAINT tree_head_root CHECK (octet_length(root_hash) = 32),
    seen       pg_snapshot NOT NULL,
    made_at    timestamptz NOT NULL,
    CONSTRAINT tree_head_pkey PRIMARY KEY (tree_size),
    CONSTRAINT tree_head_once UNIQUE (after_size),
    CONSTRAINT tree_head_grows CHECK (CASE WHEN after_size IS NULL THEN tree_size = 0 ELSE tree_size > after_size AND after_size >= 0 END)
);

COMMENT ON COLUMN tree_head.seen IS 'Every event of a transaction that is visible in this snapshot has a leaf below tree_size.';

-- The empty tree: its root is the hash of nothing, and it has seen nothing.
INSERT INTO tree_head (tree_size, root_hash, seen, made_at)
VALUES (0, sha256(''), '1:1:', now());

GRANT SELECT, INSERT ON leaf, tile, tree_head TO dcr_audit_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE tree_head, tile, leaf;
DROP INDEX event_by_transaction;
ALTER TABLE event DROP COLUMN stored_in;
