-- Letters about requests, from the moment at which they are due until the post has them. A letter is written in
-- the same transaction as the step that causes it, so that none is lost, and its row is claimed before it is
-- handed over, so that none is sent twice.
--
-- Addresses are not kept here: contact details are asked for when a letter is sent. What a requester gave for
-- the purpose, and a one-time code, are forgotten once the letter has gone.
--
-- Lock risk: none, the table is new.

-- +goose Up
SET lock_timeout = '5s';

CREATE TABLE letter (
    opt_out_id      uuid        NOT NULL,
    id              uuid        NOT NULL, -- made of the request, the kind and the occasion: a letter written twice is one
    nhs_number      text        NOT NULL CONSTRAINT letter_nhs_number CHECK (nhs_number ~ '^([0-9]{10})?$'), -- whose contact details it goes to
    kind            text        NOT NULL,
    format          text        NOT NULL,
    way             text        NOT NULL CONSTRAINT letter_way CHECK (way IN ('', 'letter', 'email', 'text')), -- empty: chosen when it is sent
    content         jsonb       NOT NULL, -- its words, without address and code
    recipient       jsonb,                -- given by the requester, instead of what is held
    code            text,                 -- one-time code
    code_until      timestamptz,
    state           text        NOT NULL DEFAULT 'queued' CONSTRAINT letter_state CHECK (state IN ('queued', 'sent', 'failed')),
    failure         text        NOT NULL DEFAULT '', -- reason of the last failure
    attempts        integer     NOT NULL DEFAULT 0,
    queued_at       timestamptz NOT NULL,
    give_up_at      timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL DEFAULT now(), -- of sending; once sent, of asking what became of it
    tried_at        timestamptz,          -- when it was last about to be handed over
    claim           uuid,
    claimed_until   timestamptz,
    post_id         uuid        NOT NULL, -- what the post knows it by
    post_reference  text        NOT NULL DEFAULT '',
    sent_at         timestamptz,
    settled         boolean     NOT NULL DEFAULT false, -- its end is known, or will not be
    CONSTRAINT letter_pkey PRIMARY KEY (opt_out_id, id),
    CONSTRAINT letter_sent CHECK (state <> 'sent' OR (sent_at IS NOT NULL AND recipient IS NULL AND code IS NULL)),
    CONSTRAINT letter_code CHECK (code IS NULL OR code_until IS NOT NULL)
);
CREATE INDEX letter_due ON letter (next_attempt_at) WHERE state = 'queued';
CREATE INDEX letter_unsettled ON letter (next_attempt_at) WHERE state = 'sent' AND NOT settled;
CREATE INDEX letter_failed ON letter (queued_at) WHERE state = 'failed';
CREATE INDEX letter_codes ON letter (code_until) WHERE code IS NOT NULL;

-- A record of sending is never deleted.
GRANT SELECT, INSERT, UPDATE ON letter TO dcr_optout_app;

-- +goose Down
SET lock_timeout = '5s';
DROP TABLE letter;
