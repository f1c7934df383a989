//! What sessions do, one aspect after the other: first nothing to complain of, then what it is for.

use super::*;

/// Runs statements of which the last takes long, in a session of its own. Its pid.
async fn busy(postgres: &Postgres, tasks: &mut JoinSet<()>, sql: &[&str]) -> i32 {
    let client = session(postgres, tasks).await;
    let pid = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .expect("the query is valid")
        .get(0);
    let sql: Vec<String> = sql.iter().map(|&sql| sql.to_owned()).collect();
    tasks.spawn(async move {
        for sql in sql {
            drop(client.simple_query(&sql).await);
        }
    });
    pid
}

#[tokio::test]
async fn what_takes_long_is_told_with_who_does_it_and_without_texts_in_statements() {
    let postgres = Postgres::start(&[
        "autovacuum = off",
        "max_prepared_transactions = 2",
        "max_connections = 20",
    ]);
    let url = postgres.url();
    let healthy = "idle_in_transaction = { warn = \"1h\" }, query_age = { warn = \"1h\" }, \
        transaction_age = { warn = \"1h\" }, locks = true, freeze = true, rollbacks = true, \
        cache_misses = true, role = \"primary\", version = \"13\"";
    let outcome = look(&suite(&url, healthy)).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));

    let mut tasks = JoinSet::new();
    let client = session(&postgres, &mut tasks).await;
    run(&client, "CREATE TABLE t (n int)").await;
    run(&client, "BEGIN; LOCK TABLE t").await;
    let idle = "idle_in_transaction = { warn = \"1ms\" }";
    assert_warns(
        &url,
        idle,
        &["idle in transaction ", ", belfry on postgres: BEGIN"],
    )
    .await;
    assert_warns(
        &url,
        "transaction_age = { warn = \"1ms\" }",
        &["transaction age "],
    )
    .await;
    let ignored = "idle_in_transaction = { warn = \"1ms\", ignore = \"belfry on post\" }";
    let outcome = look(&suite(&url, ignored)).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));

    who_waits_for_whom(&postgres, &client, &mut tasks).await;
}

/// Somebody holds a lock on `t`, and is about to let it go by preparing.
async fn who_waits_for_whom(postgres: &Postgres, client: &Client, tasks: &mut JoinSet<()>) {
    let url = postgres.url();
    // One waits for the table, another one for who waits.
    let first = [
        "BEGIN; SELECT pg_advisory_xact_lock(7)",
        "ALTER TABLE t ADD secret text DEFAULT 'hunter2'",
    ];
    let first = busy(postgres, tasks, &first).await;
    let waits = "lock_waits = { warn = \"1ms\", fail = \"1h\"";
    let all = probe(&suite(&url, &format!("{waits} }}")));
    until(&all, &format!("pid {first}")).await;
    let second = busy(postgres, tasks, &["SELECT pg_advisory_lock(7)"]).await;
    let ignored = format!("{waits}, ignore = \"pid {first}\" }}");
    let other = probe(&suite(&url, &ignored));
    let outcome = until(&other, &format!("(pid {second}")).await;
    let chain = format!(
        "(pid {second} (belfry) on postgres: SELECT pg_advisory_lock(7) waits for pid {first} (belfry) on postgres: ALTER TABLE t \
         ADD secret text DEFAULT … waits for pid "
    );
    assert_says(&outcome, Verdict::Warn, &[&chain]);
    let (_, findings) = other.explain(&env(), PATIENT).await;
    let told = findings
        .iter()
        .any(|finding| finding.found.contains(": BEGIN; LOCK TABLE t"));
    assert!(told, "{findings:?}");
    assert!(!outcome.message().contains("hunter2"), "{outcome:?}");
    let running = "query_age = { fail = \"1ms\" }";
    let outcome = look(&suite(&url, running)).await;
    assert_says(
        &outcome,
        Verdict::Fail,
        &[
            "query age ",
            "ALTER TABLE t ADD secret text DEFAULT …",
            ", and 1 more",
        ],
    );

    assert_warns(&url, "locks = { warn = 2 }", &["locks "]).await;
    assert_warns(&url, "lock_table = { warn = 0.01 }", &["lock table "]).await;
    assert_warns(
        &url,
        "connections = { warn = 10 }",
        &["connections ", " of 20;"],
    )
    .await;
    run(client, "PREPARE TRANSACTION 'orders-7'").await;
    let prepared = "prepared_transactions = { warn = \"1ms\", fail = \"1h\" }";
    assert_warns(&url, prepared, &["orders-7 of belfry on postgres"]).await;
    until(&all, "waits for a prepared transaction").await;
    assert_warns(&url, "wraparound = { warn = 1 }", &["wraparound "]).await;
    assert_warns(&url, "freeze = { warn = 0.0000001 }", &["freeze "]).await;
}
