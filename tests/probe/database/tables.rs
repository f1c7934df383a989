//! What becomes of tables, and what a server is expected to be.

use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn a_table_that_needs_care_is_told_of() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    let url = postgres.url();
    let wanted = "vacuum_age = { warn = \"1ms\" }, analyze_age = { warn = \"1ms\" }, \
        bloat = { warn = \"256KiB\" }, sequences = true, disabled_triggers = true, invalid_indexes = true, \
        pending_restart = true, table_size = { warn = \"100MiB\" }, database_size = { warn = \"1GiB\" }";
    let healthy = look(&suite(&url, wanted)).await;
    assert_eq!(healthy.verdict, Verdict::Pass, "{}", said(&healthy));

    run(&client, "CREATE TABLE parcels (id smallserial, n int, text text); \
             INSERT INTO parcels (id, n, text) SELECT 1, n, repeat('x', 100) FROM generate_series(1, 20000) AS n; \
             ANALYZE parcels; \
             DELETE FROM parcels WHERE n > 100").await;
    let care = probe(&suite(
        &url,
        "vacuum_age = { warn = \"1ms\", every = \"0s\" }",
    ));
    until(&care, "(public.parcels;").await;
    let care = probe(&suite(
        &url,
        "analyze_age = { warn = \"1ms\", every = \"0s\" }",
    ));
    until(&care, "(public.parcels;").await;
    run(&client, "VACUUM (ANALYZE, TRUNCATE off) parcels").await;
    assert_warns(
        &url,
        "bloat = { warn = \"256KiB\" }",
        &["bloat ", "MiB (public.parcels;"],
    )
    .await;
    let ignored = look(&suite(
        &url,
        "bloat = { warn = \"256KiB\", ignore = \"^public.par\" }",
    ))
    .await;
    assert_eq!(ignored.verdict, Verdict::Pass, "{}", said(&ignored));
    assert_warns(
        &url,
        "table_size = { warn = \"1MiB\" }",
        &["table size ", "public.parcels"],
    )
    .await;
    assert_warns(&url, "index_size = { warn = \"8KiB\" }", &["index size "]).await;
    assert_warns(
        &url,
        "database_size = { warn = \"1MiB\" }",
        &["database size "],
    )
    .await;

    sequences(&url, &client).await;
    broken(&url, &client).await;
}

async fn sequences(url: &str, client: &Client) {
    // A smallint ends at 32767, whatever the sequence thinks.
    run(
        client,
        "ALTER SEQUENCE parcels_id_seq AS bigint; SELECT setval('parcels_id_seq', 30000)",
    )
    .await;
    assert_warns(
        url,
        "sequences = true",
        &["sequences 91.6 % (public.parcels_id_seq;"],
    )
    .await;
    run(client, "ALTER SEQUENCE parcels_id_seq OWNED BY NONE").await;
    let free = look(&suite(url, "sequences = true")).await;
    assert_eq!(free.verdict, Verdict::Pass, "{}", said(&free));
    run(
        client,
        "CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 MAXVALUE -1; SELECT setval('down', -97)",
    )
    .await;
    let outcome = look(&suite(url, "sequences = true")).await;
    assert_says(&outcome, Verdict::Fail, &["sequences 97 % (public.down;"]);
    run(client, "DROP SEQUENCE down").await;
}

async fn broken(url: &str, client: &Client) {
    run(
        client,
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
             CREATE TRIGGER audit BEFORE INSERT ON parcels FOR EACH ROW EXECUTE FUNCTION f(); \
             ALTER TABLE parcels DISABLE TRIGGER audit",
    )
    .await;
    assert_warns(
        url,
        "role = \"primary\"",
        &["disabled triggers 1 (public.audit on parcels; warn at 1)"],
    )
    .await;
    for name in ["a", "b", "c"] {
        let sql = format!(
            "CREATE TRIGGER {name} BEFORE INSERT ON parcels FOR EACH ROW EXECUTE FUNCTION f(); \
             ALTER TABLE parcels DISABLE TRIGGER {name}"
        );
        run(client, &sql).await;
    }
    let several = "disabled triggers 4 (public.a on parcels, public.audit on parcels, public.b on parcels, …; warn at 1)";
    assert_warns(url, "role = \"primary\"", &[several]).await;
    run(client, "DROP FUNCTION f CASCADE").await;
    let twice = client
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY once ON parcels (id)")
        .await;
    assert!(twice.is_err(), "all ids are the same");
    assert_warns(
        url,
        "role = \"primary\"",
        &["invalid indexes 1 (public.once; warn at 1)"],
    )
    .await;
    run(client, "DROP INDEX once").await;
    run(client, "ALTER SYSTEM SET max_connections = 50").await;
    run(client, "SELECT pg_reload_conf()").await;
    let pending = probe(&suite(
        url,
        "pending_restart = { warn = 1, every = \"0s\" }",
    ));
    until(&pending, "pending restart 1 (max_connections; warn at 1)").await;
}

#[tokio::test]
async fn wal_that_cannot_be_archived_is_told_of() {
    let postgres = Postgres::start(&[
        "archive_mode = on",
        "archive_command = 'true'",
        "autovacuum = off",
    ]);
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    let url = postgres.url();
    let good = look(&suite(&url, "archiver = true, wal_files = { warn = 1000 }")).await;
    assert_eq!(good.verdict, Verdict::Pass, "{}", said(&good));
    run(&client, "ALTER SYSTEM SET archive_command = 'false'").await;
    run(&client, "SELECT pg_reload_conf()").await;
    run(&client, "CREATE TABLE t (n int)").await;
    run(&client, "SELECT pg_switch_wal()").await;
    let failing = probe(&suite(&url, "archiver = true"));
    let outcome = until(&failing, "archiving fails: 0000").await;
    assert_eq!(outcome.verdict, Verdict::Fail);
    let ready = "archiver = false, archive_ready = { warn = 1 }";
    assert_warns(&url, ready, &["archive ready 1"]).await;
    let files = "archiver = false, wal_files = { warn = 1 }";
    assert_warns(&url, files, &["wal files "]).await;
}

/// What a server should be and is not.
fn unlike() -> Vec<(String, Verdict, &'static str)> {
    vec![
        (
            "role = \"standby\"".to_owned(),
            Verdict::Fail,
            "it is a primary, not a standby",
        ),
        (
            "version = \"99.1\"".to_owned(),
            Verdict::Warn,
            "older than 99.1",
        ),
        (
            "settings = { fsync = \"on\" }".to_owned(),
            Verdict::Fail,
            "fsync is off, not on",
        ),
        (
            "settings = { nothing = \"on\" }".to_owned(),
            Verdict::Unknown,
            "nothing cannot be seen",
        ),
    ]
}

/// Questions, and what becomes of them.
fn wrong() -> Vec<(String, Verdict, &'static str)> {
    let query = |rest: &str| format!("query = {{ name = \"orders\", {rest} }}");
    let sql = "sql = \"SELECT n FROM orders\"";
    vec![
        (
            query(&format!("{sql}, expect = \"8\"")),
            Verdict::Fail,
            "orders: 7, not 8",
        ),
        (
            query(&format!("{sql}, rows = 0")),
            Verdict::Fail,
            "orders: 1 rows, not 0",
        ),
        (
            query(&format!("{sql}, warn = 7, fail = 8")),
            Verdict::Warn,
            "orders 7 (warn at 7)",
        ),
        (
            query(&format!("{sql}, warn = 9, fail = 8, reverse = true")),
            Verdict::Fail,
            "orders 7 (fail at 8)",
        ),
        (
            query("sql = \"SELECT 'a'\", warn = 1"),
            Verdict::Unknown,
            "orders: a is not a number",
        ),
        (
            query("sql = \"SELECT * FROM nowhere\", rows = 1"),
            Verdict::Unknown,
            "relation \"nowhere\" does not exist (SQLSTATE 42P01)",
        ),
        (
            query("sql = \"SELECT 1; DELETE FROM orders\", rows = 1"),
            Verdict::Unknown,
            "SQLSTATE 42601",
        ),
        (
            query("sql = \"SELECT setval('s', 1)\", rows = 1"),
            Verdict::Unknown,
            "SQLSTATE",
        ),
        (
            query("sql = \"SELECT repeat('x', 1000000)\", rows = 1"),
            Verdict::Unknown,
            "it sent more than 256 KiB",
        ),
        (
            query("sql = \"SELECT generate_series(1, 100000)\", rows = 5"),
            Verdict::Fail,
            "orders: more than 1000 rows, not 5",
        ),
    ]
}

#[tokio::test]
async fn what_a_server_should_be_and_say_is_compared() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    run(
        &client,
        "CREATE TABLE orders (n int); INSERT INTO orders VALUES (7)",
    )
    .await;
    let url = postgres.url();
    let good = "settings = { full_page_writes = \"on\", shared_buffers = \"128MB\", work_mem = \"4096\" }, \
        query = [{ name = \"seven\", sql = \"SELECT n FROM orders;\", expect = \"7\", rows = 1, warn = 8 }, \
        { name = \"low\", sql = \"TABLE orders\", warn = 6, fail = 5, reverse = true }]";
    let outcome = look(&suite(&url, good)).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    for (keys, verdict, part) in unlike().into_iter().chain(wrong()) {
        let outcome = look(&suite(&url, &keys)).await;
        assert_says(&outcome, verdict, &[part]);
    }
    let left: i64 = client
        .query_one("SELECT count(*) FROM orders", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 1);
}

#[tokio::test]
async fn what_is_dear_is_asked_now_and_then_and_its_result_holds() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    run(&client, "CREATE TABLE looks (n int)").await;
    let env = env();
    let keys = "invalid_indexes = { warn = 1, every = \"2s\" }, \
        query = { name = \"slow\", sql = \"SELECT pg_sleep(0.2)\", rows = 1 }";
    let url = postgres.url();
    let probe = probe(&format!("postgres = {{ url = \"{url}\", {keys} }}"));
    let first = probe.run(&env, PATIENT).await;
    assert_eq!(first.verdict, Verdict::Pass, "{}", said(&first));
    let broken = "CREATE UNIQUE INDEX looks_n ON looks (n); \
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'looks_n'::regclass";
    run(&client, broken).await;
    let started = Instant::now();
    let second = probe.run(&env, PATIENT).await;
    // On a machine that was asleep for two seconds there is nothing to see.
    if started.elapsed() < Duration::from_secs(1) {
        assert_says(&second, Verdict::Pass, &["slow is dear: ", " only"]);
    }
    let third = until(&probe, "invalid indexes 1 (public.looks_n; warn at 1)").await;
    assert_eq!(third.verdict, Verdict::Warn, "{}", said(&third));
}
