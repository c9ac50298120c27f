-- +goose Up
-- Everything of the first release. Tables are new, so nothing waits for the locks.
-- Tables about people lead their keys with the person (DESIGN section 6); organisations and staff are
-- small, and would be reference tables where people are distributed.
SET lock_timeout = '5s';

CREATE TABLE organisation (
    ods_code            text PRIMARY KEY CHECK (ods_code ~ '^[A-Z0-9]{2,16}$'),
    name                text NOT NULL CHECK (name <> ''),
    kind                smallint NOT NULL CHECK (kind BETWEEN 1 AND 6),  -- OrganisationKind of the contract
    state               smallint NOT NULL CHECK (state BETWEEN 1 AND 4), -- OrganisationState of the contract
    active_from         timestamptz,
    ended_at            timestamptz,
    successor_ods_code  text REFERENCES organisation (ods_code) CHECK (successor_ods_code <> ods_code),
    -- The organisation at the end of the chain of successors; itself while it takes part or has none.
    -- Relationships that it holds count for the heir's staff.
    heir_ods_code       text NOT NULL,
    ignore_unsupported  boolean NOT NULL DEFAULT false,
    version             bigint NOT NULL DEFAULT 1,
    CHECK ((state = 4) = (ended_at IS NOT NULL))
);
CREATE INDEX organisation_heir ON organisation (heir_ods_code);

CREATE TABLE organisation_client (
    client_id  text PRIMARY KEY CHECK (client_id <> ''),
    ods_code   text NOT NULL REFERENCES organisation (ods_code)
);
CREATE INDEX organisation_client_ods_code ON organisation_client (ods_code);

CREATE TABLE staff (
    id              uuid PRIMARY KEY,
    issuer          text NOT NULL,
    subject         text NOT NULL,
    name            text NOT NULL CHECK (name <> ''),
    own_nhs_number  text CHECK (own_nhs_number ~ '^[0-9]{10}$'),
    ended_at        timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    CONSTRAINT staff_sign_in UNIQUE (issuer, subject)
);

CREATE TABLE staff_role (
    id         uuid PRIMARY KEY,
    staff_id   uuid NOT NULL REFERENCES staff (id),
    role_code  text NOT NULL CHECK (role_code <> ''),
    ods_code   text NOT NULL CONSTRAINT staff_role_organisation REFERENCES organisation (ods_code),
    starts_at  timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE UNIQUE INDEX staff_role_held ON staff_role (staff_id, role_code, ods_code) WHERE ended_at IS NULL;
CREATE INDEX staff_role_staff ON staff_role (staff_id);
CREATE INDEX staff_role_organisation_code ON staff_role (ods_code, staff_id);

CREATE TABLE patient (
    nhs_number     text PRIMARY KEY CHECK (nhs_number ~ '^[0-9]{10}$'),
    family_name    text NOT NULL DEFAULT '',
    given_names    text[] NOT NULL DEFAULT '{}',
    family_fold    text COLLATE "C" NOT NULL DEFAULT '',   -- without case and accents, for search
    given_fold     text[] COLLATE "C" NOT NULL DEFAULT '{}',
    birth_date     text COLLATE "C" NOT NULL DEFAULT '',   -- YYYY-MM-DD, or less where a feed knows less
    gender         text NOT NULL DEFAULT '',
    deceased       boolean NOT NULL DEFAULT false,
    deceased_on    text NOT NULL DEFAULT '',
    address_lines  text[] NOT NULL DEFAULT '{}',
    postcode       text NOT NULL DEFAULT '',
    postcode_fold  text COLLATE "C" NOT NULL DEFAULT '',
    telephones     text[] NOT NULL DEFAULT '{}',
    gp_ods_code    text NOT NULL DEFAULT '',
    gp_name        text NOT NULL DEFAULT '',
    restricted     boolean NOT NULL DEFAULT false,
    updated_at     timestamptz NOT NULL,
    sequence       bigint NOT NULL DEFAULT 0,              -- of the message that these fields come from
    superseded_by  text CHECK (superseded_by <> nhs_number), -- the number in force, never another superseded one
    invalidated    boolean NOT NULL DEFAULT false
);
CREATE INDEX patient_search ON patient (birth_date, family_fold) WHERE superseded_by IS NULL AND NOT invalidated;

CREATE TABLE care_relationship (
    nhs_number    text NOT NULL,
    id            uuid NOT NULL,
    kind          smallint NOT NULL CHECK (kind BETWEEN 1 AND 7), -- RelationshipKind of the contract
    ods_code      text NOT NULL,
    staff_id      uuid REFERENCES staff (id),
    team          text NOT NULL DEFAULT '',
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL DEFAULT 'infinity',
    ended_early   boolean NOT NULL DEFAULT false,
    -- Declared and granted ones.
    reason_code   text NOT NULL DEFAULT '',
    reason_text   text NOT NULL DEFAULT '',
    granted_by    uuid REFERENCES staff (id),
    granted_from  uuid,        -- the relationship that the grant rests on
    -- Those from feeds: what relationship.Known holds.
    source_ods    text,
    source_key    text,
    closed_at     timestamptz,
    withdrawn     boolean NOT NULL DEFAULT false,
    sequence      bigint NOT NULL DEFAULT 0,
    since         bigint NOT NULL DEFAULT 0,
    told_at       timestamptz,
    was_open      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (nhs_number, id),
    CONSTRAINT care_relationship_source UNIQUE (nhs_number, source_ods, source_key),
    CHECK ((kind <= 4) = (source_ods IS NOT NULL AND source_key IS NOT NULL AND told_at IS NOT NULL)),
    CHECK ((kind >= 5) = (staff_id IS NOT NULL)),
    CHECK (kind <= 4 OR ends_at < 'infinity')
);
-- What stands now is a short range of this, however long the person's history.
CREATE INDEX care_relationship_standing ON care_relationship (nhs_number, ends_at);
CREATE INDEX care_relationship_staff ON care_relationship (staff_id) WHERE staff_id IS NOT NULL;

CREATE TABLE restriction_break (
    nhs_number    text NOT NULL,
    staff_id      uuid NOT NULL REFERENCES staff (id),
    broken_until  timestamptz NOT NULL,
    reason_code   text NOT NULL,
    reason_text   text NOT NULL,
    PRIMARY KEY (nhs_number, staff_id)
);

-- The newest message taken about a person, whatever its source (record-svc numbers them per person). It
-- is the row on which messages about one person queue; what each of them may change is decided by the
-- sequence that the changed row itself carries.
CREATE TABLE feed_watermark (
    nhs_number   text PRIMARY KEY,
    sequence     bigint NOT NULL,
    message_id   uuid NOT NULL,
    received_at  timestamptz NOT NULL
);

-- As in internal/outbox.
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

-- As in internal/idempotency.
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

GRANT SELECT, INSERT, UPDATE ON organisation, staff, staff_role, patient, care_relationship, restriction_break, feed_watermark TO dcr_identity_app;
GRANT SELECT, INSERT, DELETE ON organisation_client TO dcr_identity_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox, request TO dcr_identity_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE request;
DROP TABLE outbox;
DROP TABLE feed_watermark;
DROP TABLE restriction_break;
DROP TABLE care_relationship;
DROP TABLE patient;
DROP TABLE staff_role;
DROP TABLE staff;
DROP TABLE organisation_client;
DROP TABLE organisation;
