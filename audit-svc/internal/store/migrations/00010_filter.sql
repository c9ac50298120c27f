-- What a privacy officer searches by beyond person, staff and organisation: the kind of relationship, marks,
-- reasons of refusals, and actions that are rare.
--
-- The two columns repeat what the stored event says, as those of 00001 do. They are empty (null) in rows that
-- a release before this one stored: the bytes beside them still say it, and fsck compares only what is there.
-- No release was made before this one, so such rows exist only where two builds of it ran side by side.
--
-- Each index holds the few rows that it is for. A search for what is common needs none: the key itself, read
-- backwards, finds a page of it at once. So an append of an ordinary view writes into none of them.
--
-- Lock risk: event is locked against all for the moment in which the columns are added (nothing is
-- rewritten), and against writers while the indexes of each month are built: some seconds for a million
-- events. The release before goes on running: its statements name their columns.

-- +goose Up
SET lock_timeout = '5s';

ALTER TABLE event ADD COLUMN relationship_kind text, ADD COLUMN marks text[];

COMMENT ON COLUMN event.relationship_kind IS 'basis.relationship_kind of the event; null in rows of releases that did not write it.';
COMMENT ON COLUMN event.marks IS 'marks of the event; null in rows of releases that did not write them.';

-- Access on somebody's own word, or on a colleague's. All other kinds are common.
CREATE INDEX event_by_override ON event (relationship_kind, id)
    WHERE relationship_kind IN ('emergency', 'self_declared', 'colleague_granted');

-- Refusals and failures, by why.
CREATE INDEX event_by_reason ON event (reason, id) WHERE reason <> '';

-- Marks, but for rows whose only mark is that the member's own number is not known: that may be every row.
CREATE INDEX event_by_mark ON event USING gin (marks)
    WHERE marks <> '{}' AND marks <> '{own_number_unknown}';

-- Changes, administration, oversight and whatever comes: everything but the daily work. The list is repeated
-- nowhere: the planner compares it with the actions that are asked for.
CREATE INDEX event_by_action ON event (action, id)
    WHERE action NOT IN ('record.view', 'record.entries.list', 'record.entry.view', 'patient.view', 'patient.search',
                         'patient.search.match', 'relationship.list', 'me.view', 'session.begin', 'feed.submit',
                         'relationship.feed', 'organisation.view', 'organisation.list');

-- +goose Down
SET lock_timeout = '5s';
DROP INDEX event_by_action, event_by_mark, event_by_reason, event_by_override;
ALTER TABLE event DROP COLUMN marks, DROP COLUMN relationship_kind;
