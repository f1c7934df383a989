-- What Belfry remembers. Times are milliseconds since 1970 in UTC unless a comment says otherwise.

-- Facts about the journal itself: who it is, how far the rollup is, what the archive missed.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;

-- Every name that was ever watched. Numbers have no gaps and are never given twice.
CREATE TABLE check_def (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    added   INTEGER NOT NULL,
    removed INTEGER
) STRICT;

-- What a check is like now, as JSON. seq: the newest outcome that is in it.
CREATE TABLE state (
    check_id INTEGER PRIMARY KEY,
    seq      INTEGER NOT NULL,
    json     TEXT NOT NULL
) STRICT;

-- The messages of outcomes, each once. day: the last day (since 1970) on which it was used.
CREATE TABLE text (
    id   INTEGER PRIMARY KEY,
    day  INTEGER NOT NULL,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- Outcomes as they come in. They are appended, so that a commit of a thousand checks writes a few pages
-- and not a thousand. id: the check's bucket (check_id / 1024) in the high bits, the outcome's sequence
-- number in the low 40. text: text.id * 4 + verdict (0 pass, 1 warn, 2 fail, 3 unknown).
CREATE TABLE recent (
    id         INTEGER PRIMARY KEY,
    check_id   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    text       INTEGER NOT NULL,
    latency_us INTEGER
) STRICT;

-- Outcomes of an hour or so, packed per check; see src/journal/pack.rs for the format. at, until: the
-- first and the last of them.
CREATE TABLE outcome (
    check_id INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    body     BLOB NOT NULL,
    PRIMARY KEY (check_id, at)
) STRICT, WITHOUT ROWID;

-- Sums per window of five minutes, per hour and per day. res and at in seconds, spans in milliseconds.
-- In order of time, so that the windows of all checks are one piece when they are written.
CREATE TABLE rollup (
    res         INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    check_id    INTEGER NOT NULL,
    up_ms       INTEGER NOT NULL,
    degraded_ms INTEGER NOT NULL,
    down_ms     INTEGER NOT NULL,
    unknown_ms  INTEGER NOT NULL,
    passes      INTEGER NOT NULL,
    warns       INTEGER NOT NULL,
    fails       INTEGER NOT NULL,
    unknowns    INTEGER NOT NULL,
    sketch      BLOB NOT NULL,
    PRIMARY KEY (res, at, check_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ping (
    id       INTEGER PRIMARY KEY,
    check_id INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    -- An exit code 0 to 255, or 256 success, 257 start, 258 fail, 259 log.
    signal   INTEGER NOT NULL,
    rid      TEXT,
    method   TEXT NOT NULL,
    remote   TEXT NOT NULL,
    agent    TEXT NOT NULL,
    body     BLOB NOT NULL
) STRICT;
CREATE INDEX ping_check ON ping (check_id, id);

CREATE TABLE incident (
    id       TEXT PRIMARY KEY,
    check_id INTEGER NOT NULL,
    opened   INTEGER NOT NULL,
    closed   INTEGER,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX incident_opened ON incident (opened);
CREATE INDEX incident_closed ON incident (closed);

CREATE TABLE outbox (
    nid      TEXT PRIMARY KEY,
    incident TEXT,
    created  INTEGER NOT NULL,
    final    INTEGER NOT NULL,
    json     TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_created ON outbox (created);
CREATE INDEX outbox_incident ON outbox (incident);
CREATE INDEX outbox_waiting ON outbox (nid) WHERE final = 0;

-- The frozen bytes of a notification: written once, beside the row that changes.
CREATE TABLE message (
    nid  TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- The ledger: everything that was decided, but for outcomes and tallies. hash = SHA-256 of the hash
-- before it and json.
CREATE TABLE event (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    check_id INTEGER,
    incident TEXT,
    json     TEXT NOT NULL,
    hash     BLOB NOT NULL
) STRICT;
CREATE INDEX event_check ON event (check_id, seq) WHERE check_id IS NOT NULL;

-- What waits for the archive, one row per batch. AUTOINCREMENT: a number is never given twice, even
-- after all is shipped. total: bytes of json in this row and in all rows that ever were before it.
CREATE TABLE ship (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    at    INTEGER NOT NULL,
    total INTEGER NOT NULL,
    json  TEXT NOT NULL
) STRICT;
