package idempotency

// SchemaSQL is the DDL of the table of requests, which each service copies into its first migration.
//
// An answer may hold personal data, in the schema that holds that data anyway, and only until Sweep.
const SchemaSQL = `
CREATE TABLE request (
  request_id   uuid        NOT NULL,
  caller       text        NOT NULL, -- who asked: certificate name, and the staff member or partner behind it
  method       text        NOT NULL, -- full gRPC method
  request_hash bytea       NOT NULL, -- SHA-256 of what was asked
  answer       bytea,                -- serialised protobuf message; set before the transaction ends
  deliver      uuid[]      NOT NULL DEFAULT '{}', -- outbox messages that the answer waits for
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (request_id, caller, method)
);
CREATE INDEX request_age ON request (created_at);
`

// GrantSQL gives a service's application role its rights on the table; %s is the role.
const GrantSQL = `GRANT SELECT, INSERT, UPDATE, DELETE ON request TO %s;`
