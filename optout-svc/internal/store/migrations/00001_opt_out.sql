-- Choices to opt out and back in. All keys lead with the person, so that the tables can be distributed by
-- person; therefore ids and references have plain indexes: they are random, and no constraint over all
-- people is needed to keep them apart.
--
-- Lock risk: none, the tables are new.

-- +goose Up
SET lock_timeout = '5s';

-- What the access decision asks for, by key, in one round trip. Its row is also the lock under which a
-- person's choices are numbered.
CREATE TABLE choice_in_force (
    nhs_number    text    NOT NULL CONSTRAINT choice_in_force_nhs_number CHECK (nhs_number ~ '^[0-9]{10}$'),
    choice_number bigint  NOT NULL CONSTRAINT choice_in_force_number CHECK (choice_number >= 0),
    sealed        boolean NOT NULL,
    CONSTRAINT choice_in_force_pkey PRIMARY KEY (nhs_number),
    CONSTRAINT choice_in_force_never CHECK (choice_number > 0 OR NOT sealed)
);

-- Every choice that was registered, with how it was asked for. Nothing of it changes but when its effect
-- was confirmed.
CREATE TABLE opt_out (
    nhs_number    text        NOT NULL CONSTRAINT opt_out_nhs_number CHECK (nhs_number ~ '^[0-9]{10}$'),
    choice_number bigint      NOT NULL CONSTRAINT opt_out_number CHECK (choice_number > 0),
    id            uuid        NOT NULL, -- UUIDv7, so that lists by it are lists by time
    sealed        boolean     NOT NULL, -- out, or back in
    channel       smallint    NOT NULL CONSTRAINT opt_out_channel CHECK (channel > 0),
    evidence      text        NOT NULL CONSTRAINT opt_out_evidence CHECK (evidence <> ''),
    requester     smallint    NOT NULL CONSTRAINT opt_out_requester CHECK (requester > 0),
    received_at   timestamptz NOT NULL,
    registered_at timestamptz NOT NULL,
    confirmed_at  timestamptz, -- when record-svc had it too
    reference     text        NOT NULL,
    event_id      uuid        NOT NULL, -- the audit event of the change
    CONSTRAINT opt_out_pkey PRIMARY KEY (nhs_number, choice_number)
);
CREATE INDEX opt_out_id ON opt_out (id);
CREATE INDEX opt_out_reference ON opt_out (reference);
CREATE INDEX opt_out_unconfirmed ON opt_out (registered_at) WHERE confirmed_at IS NULL;

-- As package outbox says.
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

-- As package idempotency says.
CREATE TABLE request (
  request_id   uuid        NOT NULL,
  caller       text        NOT NULL,
  method       text        NOT NULL,
  request_hash bytea       NOT NULL,
  answer       bytea,
  deliver      uuid[]      NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (request_id, caller, method)
);
CREATE INDEX request_age ON request (created_at);

-- History is added to and never rewritten: the service may set the time of confirmation, and no more.
GRANT SELECT, INSERT, UPDATE ON choice_in_force TO dcr_optout_app;
GRANT SELECT, INSERT ON opt_out TO dcr_optout_app;
GRANT UPDATE (confirmed_at) ON opt_out TO dcr_optout_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, request TO dcr_optout_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE request;
DROP TABLE outbox;
DROP TABLE opt_out;
DROP TABLE choice_in_force;
