package outbox

// SchemaSQL is the DDL of the outbox. Each service that has one copies it into its first migration, with
// the grant: the table lives in the service's own schema.
//
// Rows are short-lived and keyed by person, so the table can be distributed by key; there is no sequence.
const SchemaSQL = `
CREATE TABLE outbox (
  key             text        NOT NULL, -- whom or what it is about; order is kept within a key
  turn            bigint      NOT NULL, -- place within the key, in the order of commits
  id              uuid        NOT NULL, -- of the message; the receiver knows it by this
  topic           text        NOT NULL, -- picks the handler
  payload         bytea       NOT NULL, -- opaque here
  created_at      timestamptz NOT NULL DEFAULT now(),
  attempts        integer     NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  claim           uuid,                 -- who is delivering it
  claimed_until   timestamptz,
  parked_at       timestamptz,          -- refused for good by its receiver
  parked_reason   text,                 -- machine-readable, nothing personal
  holds           boolean     NOT NULL DEFAULT false, -- parked, and later ones of the key wait
  PRIMARY KEY (key, turn),
  UNIQUE (key, id)
);
CREATE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE parked_at IS NULL;
`

// GrantSQL gives a service's application role its rights on the outbox; %s is the role.
const GrantSQL = `GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO %s;`
