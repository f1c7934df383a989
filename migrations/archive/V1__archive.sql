-- The archive of Belfry: what its journals recorded, copied here in batches, each exactly once.
-- For PostgreSQL 13 and later. Belfry only adds here and never deletes: how long history is kept is for you
-- to decide. The outcomes of a month go with DROP TABLE belfry.outcome_2026_11.

COMMENT ON SCHEMA belfry IS 'The archive of Belfry. Start with belfry.history and belfry.incident. Nothing is ever deleted here by Belfry';

CREATE FUNCTION belfry.instant(ms bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT to_timestamp(ms / 1000.0) $$;
COMMENT ON FUNCTION belfry.instant IS 'An instant from milliseconds since 1970, as the journals count';

-- The words must be those of core::time::human, so that archive and pages read the same.
CREATE FUNCTION belfry.span(us bigint) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN us < 9950 THEN (us + 50) / 1000 || '.' || (us + 50) % 1000 / 100 || ' ms'
        WHEN us < 999500 THEN (us + 500) / 1000 || ' ms'
        WHEN us < 9950000 AND us % 1000000 >= 50000
            THEN (us + 50000) / 1000000 || '.' || (us + 50000) % 1000000 / 100000 || ' s'
        WHEN us < 60000000 THEN us / 1000000 || ' s'
        WHEN us / 1000000 % 60 = 0 THEN us / 60000000 || ' min'
        ELSE us / 60000000 || ' min ' || us / 1000000 % 60 || ' s'
    END
$$;
COMMENT ON FUNCTION belfry.span IS 'A span of microseconds for people';

CREATE TYPE belfry.verdict AS ENUM ('pass', 'warn', 'fail', 'unknown');
COMMENT ON TYPE belfry.verdict IS 'What one look said of its target; unknown: Belfry itself could not look';

CREATE TABLE belfry.journal (
    id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node    text NOT NULL,
    epoch   uuid NOT NULL,
    branch  integer NOT NULL DEFAULT 0,
    seq     bigint NOT NULL,
    mark    text NOT NULL DEFAULT '',
    at      timestamptz,
    since   timestamptz,
    began   timestamptz NOT NULL DEFAULT now(),
    shipped timestamptz,
    UNIQUE (node, epoch, branch)
);
COMMENT ON TABLE belfry.journal IS 'One row per journal (the SQLite file of a node), with the cursor: how far it is archived. A node has several when its journal was begun anew or put back';
COMMENT ON COLUMN belfry.journal.node IS 'The name of the node: [daemon] name';
COMMENT ON COLUMN belfry.journal.epoch IS 'The journal''s own id, drawn when it was begun';
COMMENT ON COLUMN belfry.journal.branch IS 'Goes up when the journal was put back to an earlier state, from where the same numbers mean other batches';
COMMENT ON COLUMN belfry.journal.seq IS 'The last batch in the archive, written in one transaction with its rows';
COMMENT ON COLUMN belfry.journal.mark IS 'Digest of that batch, by which it is known again';
COMMENT ON COLUMN belfry.journal.at IS 'When that batch was committed to the journal';
COMMENT ON COLUMN belfry.journal.since IS 'On a branch: what is not later than this is on the branch before';
COMMENT ON COLUMN belfry.journal.shipped IS 'When the cursor moved last';

CREATE TABLE belfry.checks (
    journal integer NOT NULL,
    id      integer NOT NULL,
    name    text NOT NULL,
    kind    text NOT NULL,
    PRIMARY KEY (journal, id)
);
COMMENT ON TABLE belfry.checks IS 'Every check that was ever watched; its number is that of its journal';

CREATE TABLE belfry.outcome (
    at         timestamptz NOT NULL,
    latency_ms double precision,
    seq        bigint NOT NULL,
    journal    integer NOT NULL,
    check_id   integer NOT NULL,
    verdict    belfry.verdict NOT NULL,
    message    text NOT NULL,
    PRIMARY KEY (journal, check_id, at, seq)
) PARTITION BY RANGE (at);
COMMENT ON TABLE belfry.outcome IS 'What every look found. Partitions by month in UTC, made as they are needed';
COMMENT ON COLUMN belfry.outcome.seq IS 'The batch that it came with. A clock that was set back can give two looks one instant, and both count';
COMMENT ON COLUMN belfry.outcome.latency_ms IS 'How long the target took; none where nothing was timed';

CREATE TABLE belfry.event (
    journal  integer NOT NULL,
    seq      bigint NOT NULL,
    at       timestamptz NOT NULL,
    check_id integer,
    kind     text NOT NULL,
    body     json NOT NULL,
    PRIMARY KEY (journal, seq)
);
CREATE INDEX event_at ON belfry.event (at);
COMMENT ON TABLE belfry.event IS 'The ledger: everything that was decided, in order. The body is byte for byte that of the journal, whose hashes are over these bytes';

CREATE TABLE belfry.incident (
    journal         integer NOT NULL,
    id              text NOT NULL,
    check_id        integer NOT NULL,
    name            text NOT NULL,
    opened          timestamptz NOT NULL,
    closed          timestamptz,
    first_failure   timestamptz NOT NULL,
    worst           text NOT NULL,
    reason          text NOT NULL,
    evidence        text NOT NULL,
    acknowledged    timestamptz,
    acknowledged_by text,
    note            text,
    timeline        jsonb NOT NULL,
    seq             bigint NOT NULL,
    PRIMARY KEY (journal, id)
);
CREATE INDEX incident_opened ON belfry.incident (opened);
COMMENT ON TABLE belfry.incident IS 'Incidents as they were left last';
COMMENT ON COLUMN belfry.incident.name IS 'The name of the check when it opened';
COMMENT ON COLUMN belfry.incident.timeline IS 'What happened meanwhile: [{"at": milliseconds since 1970, "text": …}]';
COMMENT ON COLUMN belfry.incident.seq IS 'The batch that changed it last';

CREATE TABLE belfry.notification (
    journal   integer NOT NULL,
    nid       text NOT NULL,
    incident  text,
    kind      text NOT NULL,
    channel   text NOT NULL,
    recipient text NOT NULL,
    about     text NOT NULL,
    created   timestamptz NOT NULL,
    phase     text NOT NULL,
    relay     text,
    reply     text,
    settled   timestamptz,
    attempts  bigint NOT NULL,
    ambiguous bigint NOT NULL,
    seq       bigint NOT NULL,
    PRIMARY KEY (journal, nid)
);
CREATE INDEX notification_incident ON belfry.notification (journal, incident);
COMMENT ON TABLE belfry.notification IS 'The outbox: who was told what on which channel, and how far it came';
COMMENT ON COLUMN belfry.notification.phase IS 'queued, sending, accepted (by a relay), deferred, refused, superseded (told by another one)';
COMMENT ON COLUMN belfry.notification.settled IS 'When it was accepted or refused';
COMMENT ON COLUMN belfry.notification.attempts IS 'Attempts that failed';
COMMENT ON COLUMN belfry.notification.ambiguous IS 'Attempts that were cut off before the relay answered, after which the same bytes went out again';
COMMENT ON COLUMN belfry.notification.seq IS 'The batch that changed it last';

CREATE TABLE belfry.ping (
    journal  integer NOT NULL,
    id       bigint NOT NULL,
    check_id integer NOT NULL,
    at       timestamptz NOT NULL,
    signal   text NOT NULL,
    code     smallint,
    rid      uuid,
    method   text NOT NULL,
    remote   text NOT NULL,
    agent    text NOT NULL,
    body     text NOT NULL,
    PRIMARY KEY (journal, id)
);
CREATE INDEX ping_check ON belfry.ping (journal, check_id, at);
COMMENT ON TABLE belfry.ping IS 'What the jobs reported to their heartbeats';
COMMENT ON COLUMN belfry.ping.signal IS 'success, start, fail, log, or exit with its code';
COMMENT ON COLUMN belfry.ping.body IS 'The body, cut to 10,000 bytes and made text; the journal has all of it';

CREATE TABLE belfry.gap (
    journal   integer NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    noticed   timestamptz NOT NULL DEFAULT now(),
    why       text NOT NULL,
    PRIMARY KEY (journal, first_seq)
);
COMMENT ON TABLE belfry.gap IS 'Batches that are not in the archive and that the journal has no more. Empty, if all went well';

CREATE TABLE belfry.refused (
    journal  integer NOT NULL,
    seq      bigint NOT NULL,
    at       timestamptz NOT NULL,
    error    text NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (journal, seq)
);
COMMENT ON TABLE belfry.refused IS 'Batches that the tables did not take, as they were, with the error. Empty, if all went well';

CREATE VIEW belfry.history AS
SELECT o.at, j.node, c.name AS "check", o.verdict, o.latency_ms, o.message
FROM belfry.outcome o
JOIN belfry.journal j ON j.id = o.journal
LEFT JOIN belfry.checks c ON c.journal = o.journal AND c.id = o.check_id;
COMMENT ON VIEW belfry.history IS 'What every look found, with names. Ask for a span of time: WHERE at >= now() - interval ''1 day''';
