//! Every aspect at each of its levels: nothing to complain of, and then everything is wrong at once.

use std::collections::BTreeSet;

use super::*;

/// An aspect, the level below which it is on a calm server, one that it is above in trouble, and one that nothing
/// reaches.
pub(super) type Row = (&'static str, &'static str, &'static str, &'static str);

const ROWS: [Row; 32] = [
    ("connections", "90", "0.1", "1000"),
    ("idle_in_transaction", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("query_age", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("transaction_age", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("locks", "100", "2", "100000"),
    ("lock_table", "20", "0.01", "1000"),
    ("lock_waits", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("wraparound", "1.3e9", "1", "1e10"),
    ("freeze", "90", "0.0000001", "1000"),
    ("vacuum_age", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("analyze_age", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("bloat", "\"256KiB\"", "\"256KiB\"", "\"1TiB\""),
    ("sequences", "85", "85", "1000"),
    ("prepared_transactions", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("replication_lag", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("replication_bytes", "\"64KiB\"", "\"64KiB\"", "\"1TiB\""),
    ("replication_slots", "\"64KiB\"", "\"64KiB\"", "\"1TiB\""),
    ("inactive_slots", "\"1ms\"", "\"1ms\"", "\"1h\""),
    ("archiver", "1", "1", "2"),
    ("archive_ready", "10", "1", "1000"),
    ("wal_files", "1000", "1", "1000"),
    ("checkpoints", "1", "1", "1000"),
    ("deadlocks", "1", "1", "1000"),
    ("rollbacks", "1", "1", "1000"),
    ("cache_misses", "1", "1", "1000"),
    ("temporary_files", "\"64KiB\"", "\"64KiB\"", "\"1TiB\""),
    ("disabled_triggers", "1", "1", "1000"),
    ("invalid_indexes", "1", "1", "1000"),
    ("pending_restart", "1", "1", "1000"),
    ("database_size", "\"1GiB\"", "\"1MiB\"", "\"1TiB\""),
    ("table_size", "\"1GiB\"", "\"1MiB\"", "\"1TiB\""),
    ("index_size", "\"1GiB\"", "\"8KiB\"", "\"1TiB\""),
];
/// A page has to be damaged for the one, an hour has to go by for the other (`aspect/size.rs`).
const ELSEWHERE: [&str; 2] = ["checksum_failures", "database_growth"];
/// What one message and the lines beside it have room for.
const AT_ONCE: usize = 16;

/// What these aspects are asked with, at the levels that `levels` makes of a row; and no other.
fn keys(rows: &[Row], levels: impl Fn(&Row) -> (&'static str, &'static str)) -> String {
    let rest = ROWS.iter().map(|row| row.0).chain(ELSEWHERE);
    let rest = rest.filter(|key| rows.iter().all(|row| row.0 != *key));
    let off = rest.map(|key| format!("{key} = false"));
    let on = rows.iter().map(|row| {
        let (warn, fail) = levels(row);
        format!(
            "{} = {{ warn = {warn}, fail = {fail}, every = \"0s\" }}",
            row.0
        )
    });
    on.chain(off).collect::<Vec<_>>().join(", ")
}

/// All of them, as many at once as one message has room for.
pub(super) fn all(levels: impl Fn(&Row) -> (&'static str, &'static str)) -> Vec<String> {
    let groups = ROWS.chunks(AT_ONCE);
    groups.map(|rows| keys(rows, &levels)).collect()
}

/// This aspect alone, at levels that nothing on a calm server reaches.
pub(super) fn only(key: &str) -> String {
    let row = ROWS.iter().find(|row| row.0 == key);
    let row = row.expect("it is one of them");
    keys(std::slice::from_ref(row), |(_, calm, ..)| (calm, calm))
}

/// No aspect at all.
pub(super) fn none() -> String {
    keys(&[], |(_, calm, ..)| (calm, calm))
}

/// Which of these aspects are not told with this verdict and the level that makes it.
async fn missing(probe: &Probe, rows: &[Row], verdict: Verdict) -> Vec<String> {
    let (outcome, findings) = probe.explain(&env(), PATIENT).await;
    let beside = outcome.left_out.iter().flat_map(|lines| lines.iter());
    let mut told = outcome.message();
    for line in beside {
        told.push('\n');
        told.push_str(line);
    }
    let is_told = |what: &str| {
        let said = told.split(&format!("{what} ")).nth(1).unwrap_or_default();
        let level = format!("{} at ", verdict.word());
        match what {
            "archiver" => told.contains("archiving fails: 0000"),
            _ => said.contains(&level),
        }
    };
    let whats = rows.iter().map(|row| row.0.replace('_', " "));
    let is_missing = |what: &String| {
        let mut of_it = findings.iter().filter(|finding| finding.what == *what);
        let is_judged = of_it.any(|finding| finding.verdict == verdict);
        !is_judged || (verdict != Verdict::Pass && !is_told(what))
    };
    let mut missing: Vec<String> = whats.filter(is_missing).collect();
    if outcome.verdict != verdict {
        missing.push(said(&outcome));
    }
    missing
}

/// Looks again and again until all of them are.
async fn until_all(probe: &Probe, rows: &[Row], verdict: Verdict) {
    let mut last = Vec::new();
    let looking = async {
        loop {
            last = missing(probe, rows, verdict).await;
            if last.is_empty() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let found = timeout(PATIENT * 2, looking).await.is_ok();
    assert!(found, "not a {}: {last:#?}", verdict.word());
}

#[test]
fn no_aspect_of_the_manual_is_left_out_here() {
    let manual = include_str!("../../../docs/checks.md");
    let section = manual.split("\n## postgres\n").nth(1).expect("it is there");
    let section = section.split("\n## ").next().expect("it has an end");
    let keys = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let keys = keys.filter_map(|line| line.split('`').next());
    let other = ["url", "settings", "query", "role", "version", "share"];
    let documented: BTreeSet<&str> = keys.filter(|key| !other.contains(key)).collect();
    let here: BTreeSet<&str> = ROWS.iter().map(|row| row.0).chain(ELSEWHERE).collect();
    assert_eq!(documented, here);
}

#[tokio::test]
async fn every_aspect_is_calm_is_warned_of_and_fails_by_its_levels() {
    let primary = Postgres::start(&[
        "autovacuum = off",
        "archive_mode = on",
        "archive_command = 'true'",
        "deadlock_timeout = 10ms",
        "max_prepared_transactions = 2",
        "shared_buffers = 1MB",
        "wal_keep_size = 64MB",
    ]);
    let mut tasks = JoinSet::new();
    let client = session(&primary, &mut tasks).await;
    let standby = primary.standby();
    let there = session(&standby, &mut tasks).await;
    let url = primary.url();
    let probes: Vec<_> = ROWS
        .chunks(AT_ONCE)
        .map(|rows| {
            let made = |levels: fn(&Row) -> (&'static str, &'static str)| {
                probe(&suite(&url, &keys(rows, levels)))
            };
            let warned = made(|(_, _, low, high)| (low, high));
            (rows, warned, made(|(_, _, low, _)| (low, low)))
        })
        .collect();
    for keys in all(|(_, calm, ..)| (calm, calm)) {
        until(&probe(&suite(&url, &keys)), "pass: ").await;
    }
    // What is counted is judged by how it grows from here on.
    for (_, warned, failing) in &probes {
        warned.run(&env(), PATIENT).await;
        failing.run(&env(), PATIENT).await;
    }

    run(&there, "SELECT pg_wal_replay_pause()").await;
    neglect(&client).await;
    let idle = session(&primary, &mut tasks).await;
    hold_up(&primary, &idle, &mut tasks).await;
    count(&primary, &mut tasks).await;
    run(&client, "SELECT pg_switch_wal()").await;
    for (rows, warned, failing) in &probes {
        until_all(warned, rows, Verdict::Warn).await;
        until_all(failing, rows, Verdict::Fail).await;
    }
}

/// Tables without care, things that are broken, WAL that nobody takes.
async fn neglect(client: &Client) {
    for sql in [
        "SELECT pg_create_physical_replication_slot('away', true)",
        "ALTER SYSTEM SET archive_command = 'false'",
        "ALTER SYSTEM SET max_connections = 50",
        "SELECT pg_reload_conf()",
        "CREATE TABLE parcels AS SELECT n, 1 AS one, repeat('x', 100) AS text FROM generate_series(1, 20000) AS n",
        "DELETE FROM parcels WHERE n > 100",
        "VACUUM (ANALYZE, TRUNCATE off) parcels",
        "CREATE TABLE orders AS SELECT n FROM generate_series(1, 1000) AS n",
        "ANALYZE orders",
        "DELETE FROM orders WHERE n > 100",
        "CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 MAXVALUE -1",
        "SELECT setval('down', -97)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER audit BEFORE INSERT ON parcels FOR EACH ROW EXECUTE FUNCTION f()",
        "ALTER TABLE parcels DISABLE TRIGGER audit",
    ] {
        run(client, sql).await;
    }
    let index = "CREATE UNIQUE INDEX CONCURRENTLY once ON parcels (one)";
    let twice = client.batch_execute(index).await;
    assert!(twice.is_err(), "all are the same");
}

/// A transaction that was prepared, one that does nothing, and somebody who waits for it.
async fn hold_up(postgres: &Postgres, idle: &Client, tasks: &mut JoinSet<()>) {
    run(idle, "BEGIN; INSERT INTO orders VALUES (1)").await;
    run(idle, "PREPARE TRANSACTION 'orders-7'").await;
    run(idle, "BEGIN; SELECT pg_advisory_xact_lock(7)").await;
    let waiting = session(postgres, tasks).await;
    tasks.spawn(async move { drop(waiting.batch_execute("SELECT pg_advisory_lock(7)").await) });
}

/// Everything that is counted.
async fn count(postgres: &Postgres, tasks: &mut JoinSet<()>) {
    let (one, other) = (
        session(postgres, tasks).await,
        session(postgres, tasks).await,
    );
    run(&one, "CREATE TABLE a (n int); CREATE TABLE b (n int); \
         CREATE TABLE wide WITH (fillfactor = 10) AS SELECT repeat('x', 700) AS text FROM generate_series(1, 3000)").await;
    run(&one, "BEGIN; LOCK TABLE a").await;
    run(&other, "BEGIN; LOCK TABLE b").await;
    let (left, right) = tokio::join!(one.batch_execute("LOCK TABLE b"), async {
        let locked = other.batch_execute("LOCK TABLE a").await;
        drop(other.batch_execute("ROLLBACK").await);
        locked
    });
    assert!(left.is_err() != right.is_err(), "one of them gives way");
    run(&one, "ROLLBACK").await;
    for _ in 0..200 {
        run(&one, "BEGIN; ROLLBACK").await;
    }
    for _ in 0..5 {
        run(&one, "SELECT count(*) FROM wide; CHECKPOINT").await;
    }
    run(&one, "SET work_mem = '64kB'; SELECT * FROM generate_series(1, 200000) AS n ORDER BY n DESC OFFSET 199999").await;
}
