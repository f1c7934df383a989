-- Puts batches into their tables. $1: the journal's number in the archive; $2: [{"seq": …, "rows": …}, …].
-- Every part has a key and can be taken in twice without a change: what never changes is left as it is,
-- what does change is replaced by what a later batch says of it.
WITH batch AS MATERIALIZED (
    SELECT (b ->> 'seq')::bigint AS seq, b -> 'rows' AS rows
    FROM jsonb_array_elements($2::text::jsonb) b
), checks AS (
    INSERT INTO belfry.checks AS old (journal, id, name, kind)
    SELECT DISTINCT ON (r.id) $1::integer, r.id, r.name, r.kind
    FROM batch, jsonb_to_recordset(rows -> 'checks') AS r (id integer, name text, kind text)
    ORDER BY r.id, seq DESC
    ON CONFLICT (journal, id) DO UPDATE SET name = excluded.name, kind = excluded.kind
    WHERE (old.name, old.kind) IS DISTINCT FROM (excluded.name, excluded.kind)
), outcomes AS (
    INSERT INTO belfry.outcome (at, latency_ms, seq, journal, check_id, verdict, message)
    SELECT belfry.instant(r.at), r.latency_us / 1000.0, batch.seq, $1::integer, r."check", r.verdict,
        replace(r.text, U&'\E000', coalesce(belfry.span(r.latency_us), '?'))
    FROM batch, jsonb_to_recordset(rows -> 'outcomes')
        AS r ("check" integer, at bigint, verdict belfry.verdict, latency_us bigint, text text)
    ON CONFLICT DO NOTHING
), events AS (
    INSERT INTO belfry.event (journal, seq, at, check_id, kind, body)
    SELECT $1::integer, r.seq, belfry.instant(r.at), r."check", r.json::json ->> 'event', r.json::json
    FROM batch, jsonb_to_recordset(rows -> 'events')
        AS r (seq bigint, at bigint, "check" integer, json text)
    ON CONFLICT DO NOTHING
), incidents AS (
    INSERT INTO belfry.incident AS old (journal, id, check_id, name, opened, closed, first_failure, worst,
        reason, evidence, acknowledged, acknowledged_by, note, timeline, seq)
    SELECT DISTINCT ON (r.id) $1::integer, r.id, r."check", r.name, belfry.instant(r.opened),
        belfry.instant(r.closed), belfry.instant(r.first_failure), r.worst, r.reason, r.evidence,
        belfry.instant((r.acknowledged ->> 'at')::bigint), r.acknowledged ->> 'by',
        r.acknowledged ->> 'note', r.timeline, batch.seq
    FROM batch, jsonb_to_recordset(rows -> 'incidents') AS r (id text, "check" integer, name text,
        opened bigint, closed bigint, first_failure bigint, worst text, reason text, evidence text,
        acknowledged jsonb, timeline jsonb)
    ORDER BY r.id, batch.seq DESC
    ON CONFLICT (journal, id) DO UPDATE SET closed = excluded.closed, worst = excluded.worst,
        reason = excluded.reason, evidence = excluded.evidence, acknowledged = excluded.acknowledged,
        acknowledged_by = excluded.acknowledged_by, note = excluded.note, timeline = excluded.timeline,
        seq = excluded.seq
    WHERE old.seq < excluded.seq
), notifications AS (
    INSERT INTO belfry.notification AS old (journal, nid, incident, kind, channel, recipient, about, created,
        phase, relay, reply, settled, attempts, ambiguous, seq)
    SELECT DISTINCT ON (r.nid) $1::integer, r.nid, r.incident, r.kind, r.recipient ->> 'channel',
        r.recipient ->> 'address', r.about, belfry.instant(r.created), r.phase, r.relay, r.reply,
        belfry.instant(r.at), r.attempts, r.ambiguous, batch.seq
    FROM batch, jsonb_to_recordset(rows -> 'notifications') AS r (nid text, incident text, kind text,
        recipient jsonb, about text, created bigint, phase text, relay text, reply text, at bigint,
        attempts bigint, ambiguous bigint)
    ORDER BY r.nid, batch.seq DESC
    ON CONFLICT (journal, nid) DO UPDATE SET phase = excluded.phase, relay = excluded.relay,
        reply = excluded.reply, settled = excluded.settled, attempts = excluded.attempts,
        ambiguous = excluded.ambiguous, seq = excluded.seq
    WHERE old.seq < excluded.seq
)
INSERT INTO belfry.ping (journal, id, check_id, at, signal, code, rid, method, remote, agent, body, took_us)
SELECT $1::integer, r.id, r."check", belfry.instant(r.at),
    CASE jsonb_typeof(r.signal) WHEN 'object' THEN 'exit' ELSE r.signal #>> '{}' END,
    CASE jsonb_typeof(r.signal) WHEN 'object' THEN (r.signal ->> 'exit')::smallint END,
    r.rid, r.method, r.remote, r.agent, r.body, r.took_us
FROM batch, jsonb_to_recordset(rows -> 'pings') AS r (id bigint, "check" integer, at bigint, signal jsonb,
    rid uuid, method text, remote text, agent text, body text, took_us bigint)
ON CONFLICT DO NOTHING
