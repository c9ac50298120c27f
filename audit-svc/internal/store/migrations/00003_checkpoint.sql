-- Signed checkpoints of the tree, and what witnesses said of them (C2SP tlog-checkpoint, tlog-cosignature).
-- All of it is appended: a key that is added signs the same text in a row of its own, and a cosignature that
-- comes later joins the checkpoint that it is of.
--
-- Lock risk: none, the tables are new.

-- +goose Up
SET lock_timeout = '5s';

CREATE TABLE checkpoint (
    tree_size bigint      NOT NULL CONSTRAINT checkpoint_head REFERENCES tree_head (tree_size),
    body      text        NOT NULL CONSTRAINT checkpoint_body CHECK (body <> ''),
    made_at   timestamptz NOT NULL,
    CONSTRAINT checkpoint_pkey PRIMARY KEY (tree_size)
);

COMMENT ON COLUMN checkpoint.body IS 'The text that is signed: origin, size and root, each on a line.';

CREATE TABLE checkpoint_signature (
    tree_size bigint      NOT NULL CONSTRAINT checkpoint_signature_of REFERENCES checkpoint (tree_size),
    signer    text        NOT NULL CONSTRAINT checkpoint_signature_signer CHECK (signer ~ '^[^+]+[+][0-9a-f]{8}$'),
    line      text        NOT NULL,
    made_at   timestamptz NOT NULL,
    CONSTRAINT checkpoint_signature_pkey PRIMARY KEY (tree_size, signer)
);

COMMENT ON COLUMN checkpoint_signature.signer IS 'Name and id of the key, as they stand in a signature.';
COMMENT ON COLUMN checkpoint_signature.line IS 'The signature line of the note, with its newline.';

CREATE TABLE cosignature (
    tree_size   bigint      NOT NULL CONSTRAINT cosignature_of REFERENCES checkpoint (tree_size),
    witness     text        NOT NULL CONSTRAINT cosignature_witness CHECK (witness ~ '^[^+]+[+][0-9a-f]{8}$'),
    line        text        NOT NULL,
    cosigned_at timestamptz NOT NULL,
    stored_at   timestamptz NOT NULL,
    CONSTRAINT cosignature_pkey PRIMARY KEY (tree_size, witness)
);

COMMENT ON COLUMN cosignature.cosigned_at IS 'The time inside the cosignature, by the clock of the witness.';

-- The largest checkpoint that one witness has cosigned.
CREATE INDEX cosignature_by_witness ON cosignature (witness, tree_size);

GRANT SELECT, INSERT ON checkpoint, checkpoint_signature, cosignature TO dcr_audit_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE cosignature, checkpoint_signature, checkpoint;
