-- Watching: how far the log was watched, what was found, and what people made of it. Everything here is
-- appended. The owner alone takes rows away, and only those that nothing rests on any more ("audit-svc maintain").
--
-- Lock risk: none, the tables are new.

-- +goose Up
SET lock_timeout = '5s';

-- One row is one run of leaves that were judged, written in the transaction that wrote what was found in them.
-- The key is the fence: two watchers that judge the same leaves cannot both commit.
CREATE TABLE watch_run (
    first_index   bigint      NOT NULL CONSTRAINT watch_run_first CHECK (first_index >= 0),
    next_index    bigint      NOT NULL,
    rules_version text        NOT NULL,
    made_at       timestamptz NOT NULL,
    CONSTRAINT watch_run_pkey PRIMARY KEY (first_index),
    CONSTRAINT watch_run_once UNIQUE (next_index),
    CONSTRAINT watch_run_grows CHECK (next_index > first_index)
);

-- Whose records a case is about stands in its key: there is one for each, until it is settled.
CREATE TABLE watch_case (
    id            uuid        NOT NULL,
    rule          text        NOT NULL,
    ods_code      text        NOT NULL,
    staff_id      text        NOT NULL CONSTRAINT watch_case_staff CHECK (staff_id <> ''),
    nhs_number    text        NOT NULL CONSTRAINT watch_case_nhs_number CHECK (nhs_number ~ '^([0-9]{10})?$'),
    period        text        NOT NULL,
    turn          integer     NOT NULL,
    staff_display text        NOT NULL,
    role_code     text        NOT NULL,
    first_at      timestamptz NOT NULL,
    opened_at     timestamptz NOT NULL,
    rules_version text        NOT NULL,
    settled       boolean     NOT NULL DEFAULT false,
    CONSTRAINT watch_case_pkey PRIMARY KEY (id),
    CONSTRAINT watch_case_key UNIQUE (staff_id, rule, nhs_number, period, ods_code, turn)
);

COMMENT ON COLUMN watch_case.turn IS '1, and one more for a case that follows a settled one of the same key.';
COMMENT ON COLUMN watch_case.first_at IS 'When the first finding''s event occurred.';
COMMENT ON COLUMN watch_case.settled IS 'Closed so long that nothing is added any more. Set by the owner, so that lists of what is open stay short.';

CREATE INDEX watch_case_by_organisation ON watch_case (ods_code, id);
CREATE INDEX watch_case_by_patient ON watch_case (nhs_number, id) WHERE nhs_number <> '';
CREATE INDEX watch_case_unsettled ON watch_case (ods_code, id) WHERE NOT settled;

-- The last step says where the case stands. The key is the fence: of two who make the next step at the same
-- moment, one loses and looks again.
CREATE TABLE case_step (
    case_id       uuid        NOT NULL CONSTRAINT case_step_of REFERENCES watch_case (id),
    number        integer     NOT NULL CONSTRAINT case_step_number CHECK (number >= 1),
    kind          text        NOT NULL CONSTRAINT case_step_kind CHECK (kind <> ''),
    state         text        NOT NULL CONSTRAINT case_step_state CHECK (state IN ('open', 'explained', 'upheld', 'escalated', 'closed')),
    outcome       text        NOT NULL,
    due_at        timestamptz,
    findings      integer     NOT NULL,
    made_at       timestamptz NOT NULL,
    actor         text        NOT NULL CONSTRAINT case_step_actor CHECK (actor <> ''),
    staff_id      text        NOT NULL,
    staff_display text        NOT NULL,
    ods_code      text        NOT NULL,
    note          text        NOT NULL,
    event_id      uuid        NOT NULL,
    measured      integer     NOT NULL,
    bound         integer     NOT NULL,
    CONSTRAINT case_step_pkey PRIMARY KEY (case_id, number),
    CONSTRAINT case_step_closed CHECK ((state = 'closed') = (outcome <> ''))
);

COMMENT ON COLUMN case_step.findings IS 'Findings of the case so far.';
COMMENT ON COLUMN case_step.outcome IS 'Of the case after the step: set while it is closed.';

-- No event is found twice in a case.
CREATE UNIQUE INDEX case_step_finding ON case_step (case_id, event_id) WHERE kind IN ('opened', 'found', 'reopen');

-- People's steps by the id that they gave the request. The answer follows from the step, which never changes.
CREATE TABLE case_request (
    request_id   uuid        NOT NULL,
    caller       text        NOT NULL,
    request_hash bytea       NOT NULL,
    case_id      uuid        NOT NULL,
    number       integer     NOT NULL,
    made_at      timestamptz NOT NULL,
    CONSTRAINT case_request_pkey PRIMARY KEY (request_id, caller)
);

-- How many people's records each member opened on a day, in each role: what volumes are compared with.
CREATE TABLE watch_tally (
    day       date    NOT NULL,
    ods_code  text    NOT NULL,
    role_code text    NOT NULL,
    staff_id  text    NOT NULL,
    people    integer NOT NULL CONSTRAINT watch_tally_people CHECK (people >= 1),
    CONSTRAINT watch_tally_pkey PRIMARY KEY (ods_code, role_code, day, staff_id)
);

-- The days that were counted, each once.
CREATE TABLE watch_day (
    day     date        NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT watch_day_pkey PRIMARY KEY (day)
);

GRANT SELECT, INSERT ON watch_run, watch_case, case_step, case_request, watch_tally, watch_day TO dcr_audit_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE watch_day, watch_tally, case_request, case_step, watch_case, watch_run;
