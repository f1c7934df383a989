//! That looking does no harm, whatever state the server is in, and that a lesser role is no trouble.

use tokio::time::Instant;

use super::*;

/// Statements of Belfry that the server is still busy with.
async fn under_way(client: &Client) -> i64 {
    let query = "SELECT count(*) FROM pg_stat_get_activity(NULL) \
        WHERE application_name = 'belfry' AND state <> 'idle'";
    client
        .query_one(query, &[])
        .await
        .expect("the query is valid")
        .get(0)
}

#[tokio::test]
async fn a_lock_on_a_table_leaves_one_aspect_unknown_and_the_rest_judged() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let holder = session(&postgres, &mut tasks).await;
    let watcher = session(&postgres, &mut tasks).await;
    run(
        &holder,
        "CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 3000); ANALYZE t",
    )
    .await;
    let keys = "table_size = { warn = \"1GiB\", every = \"0s\" }, connections = { fail = 1 }, \
        lock_waits = { warn = \"1h\", fail = \"2h\" }";
    let probe = probe(&suite(&postgres.url(), keys));
    let env = env();
    let before = probe.run(&env, PATIENT).await;
    assert!(
        !said(&before).contains("could not look"),
        "{}",
        said(&before)
    );

    run(&holder, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").await;
    for _ in 0..3 {
        let outcome = probe.run(&env, PATIENT).await;
        // What is known to fail is not hidden by what is not known.
        let parts = [
            "connections 3 % (3 of 100;",
            "table size: could not look: lock_timeout",
        ];
        assert_says(&outcome, Verdict::Fail, &parts);
        assert_eq!(under_way(&watcher).await, 0);
        assert_eq!(own_sessions(&watcher).await.len(), 1);
    }
    run(&holder, "ROLLBACK").await;
    let after = probe.run(&env, PATIENT).await;
    assert!(!said(&after).contains("could not look"), "{}", said(&after));
}

#[tokio::test]
async fn a_lock_on_the_catalog_cannot_hold_a_look_back_or_pile_up_sessions() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let holder = session(&postgres, &mut tasks).await;
    let watcher = session(&postgres, &mut tasks).await;
    under_way(&watcher).await;
    // A session that is there has read of the first what it needs.
    for (table, part) in [
        ("pg_class", "pass: "),
        ("pg_authid", "could not look: lock_timeout"),
    ] {
        let (kept, fresh) = (
            probe(&suite(&postgres.url(), "locks = true")),
            probe(&suite(&postgres.url(), "freeze = true")),
        );
        let env = env();
        let before = kept.run(&env, PATIENT).await;
        assert_eq!(before.verdict, Verdict::Pass, "{}", said(&before));
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        run(&holder, &lock).await;
        let limit = Duration::from_secs(3);
        for _ in 0..3 {
            let started = Instant::now();
            let outcome = kept.run(&env, limit).await;
            assert!(started.elapsed() < limit + crate::GRACE, "{outcome:?}");
            // A connection that is there goes on, and says what it could not see.
            let message = said(&outcome);
            assert!(message.contains(part), "{table}: {message}");
            assert_eq!(under_way(&watcher).await, 0, "{table}");
        }
        // One that is not has no chance; but there is one of it only, however often we look.
        for _ in 0..3 {
            let outcome = fresh.run(&env, Duration::from_millis(600)).await;
            assert_eq!(outcome.verdict, Verdict::Fail, "{}", said(&outcome));
        }
        let sessions = "SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE pid NOT IN \
            (SELECT pid FROM pg_stat_get_activity(NULL) WHERE application_name = 'belfry' OR backend_type <> 'client backend' OR query <> '')";
        let stuck: i64 = watcher.query_one(sessions, &[]).await.unwrap().get(0);
        assert!(stuck <= 1, "{table}: {stuck} sessions wait to be let in");
        run(&holder, "ROLLBACK").await;
        until(&fresh, "pass: ").await;
        let after = kept.run(&env, PATIENT).await;
        assert_eq!(after.verdict, Verdict::Pass, "{table}: {}", said(&after));
    }
}

#[tokio::test]
async fn a_lesser_role_sees_what_it_may_and_is_told_what_to_grant() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    run(
        &client,
        &format!(
            "CREATE ROLE \"Mon\" LOGIN PASSWORD '{PASSWORD}'; CREATE TABLE t AS \
             SELECT repeat('x', 1000) FROM generate_series(1, 3000); ANALYZE t; CREATE SEQUENCE s"
        ),
    )
    .await;
    let url = postgres.url_of("Mon");
    let plain = look(&suite(&url, "")).await;
    assert_says(
        &plain,
        Verdict::Pass,
        &["aspects not seen: GRANT pg_monitor TO \"Mon\""],
    );
    // What is asked for by name is unknown, but hides no failure.
    let named = look(&suite(&url, "lock_waits = true")).await;
    let reason = "lock waits: could not look: GRANT pg_monitor TO \"Mon\"";
    assert_says(&named, Verdict::Unknown, &[reason]);
    let failing = look(&suite(
        &url,
        "lock_waits = true, connections = { fail = 1 }",
    ))
    .await;
    assert_says(&failing, Verdict::Fail, &[reason, "connections 2 %"]);

    run(&client, "GRANT pg_monitor TO \"Mon\"").await;
    let monitor = look(&suite(&url, "lock_waits = true, archive_ready = true")).await;
    assert_says(
        &monitor,
        Verdict::Pass,
        &["2 aspects not seen: GRANT pg_read_all_data TO \"Mon\""],
    );
    let named = look(&suite(&url, "sequences = true")).await;
    assert_says(&named, Verdict::Unknown, &["sequences: 1 are hidden"]);
    run(&client, "GRANT pg_read_all_data TO \"Mon\"").await;
    let all = look(&suite(&url, "sequences = true, bloat = true")).await;
    assert_eq!(all.verdict, Verdict::Pass, "{}", said(&all));
    assert!(!said(&all).contains("not seen"), "{}", said(&all));
}

#[tokio::test]
async fn a_statement_that_takes_long_ends_on_the_server_too() {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    let slow = "query = [{ name = \"slow\", sql = \"SELECT pg_sleep(60)\", rows = 1 }, \
        { name = \"quick\", sql = \"SELECT 1\", expect = \"2\" }]";
    let outcome = probe(&suite(&postgres.url(), slow))
        .run(&env(), Duration::from_secs(2))
        .await;
    let parts = ["slow: could not look: statement_timeout", "quick: 1, not 2"];
    assert_says(&outcome, Verdict::Fail, &parts);
    assert_eq!(under_way(&client).await, 0);
}
