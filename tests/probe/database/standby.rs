//! A primary with a standby that streams from it.

use super::*;

#[tokio::test]
async fn a_standby_that_stops_replaying_is_told_of_by_both_and_an_idle_primary_is_no_lag() {
    let primary = Postgres::start(&["autovacuum = off", "wal_keep_size = 64MB"]);
    let mut tasks = JoinSet::new();
    let client = session(&primary, &mut tasks).await;
    run(
        &client,
        "SELECT pg_create_physical_replication_slot('away', true)",
    )
    .await;
    let standby = primary.standby();
    let there = session(&standby, &mut tasks).await;
    let lag = "inactive_slots = false, replication_lag = { warn = \"1ms\", fail = \"1h\" }, \
        replication_bytes = { warn = \"64KiB\" }";
    let (above, below) = (
        probe(&suite(&primary.url(), lag)),
        probe(&suite(
            &standby.url(),
            &format!("{lag}, role = \"standby\""),
        )),
    );
    // All is replayed, however long ago that was.
    until(&above, "pass: ").await;
    until(&below, "pass: ").await;
    let wrong = look(&suite(&standby.url(), "role = \"primary\"")).await;
    assert_says(&wrong, Verdict::Fail, &["it is a standby, not a primary"]);

    run(&there, "SELECT pg_wal_replay_pause()").await;
    run(
        &client,
        "CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
    )
    .await;
    for probe in [&above, &below] {
        let outcome = until(probe, "replication lag ").await;
        assert_eq!(outcome.verdict, Verdict::Warn, "{}", said(&outcome));
        until(probe, "replication bytes ").await;
    }
    let others =
        "inactive_slots = false, replication_lag = { warn = \"1ms\", ignore = \"^walreceiver$$\" }";
    let others = look(&suite(&primary.url(), others)).await;
    assert_eq!(others.verdict, Verdict::Pass, "{}", said(&others));
    run(&there, "SELECT pg_wal_replay_resume()").await;
    until(&above, "pass: ").await;
    until(&below, "pass: ").await;

    slots(&primary.url(), &client).await;

    primary.stop();
    let cut = until(&below, "receives nothing").await;
    assert_eq!(cut.verdict, Verdict::Warn, "{}", said(&cut));
}

#[tokio::test]
async fn a_standby_that_lives_from_an_archive_is_late_only_where_that_is_asked_for() {
    let primary = Postgres::start(&["autovacuum = off"]);
    let mut tasks = JoinSet::new();
    let client = session(&primary, &mut tasks).await;
    run(&client, "CREATE TABLE t (n int)").await;
    let standby = primary.standby();
    standby.shut_down();
    standby.place("postgresql.auto.conf", "restore_command = 'false'\n");
    standby.resume();
    let usual = probe(&suite(&standby.url(), "role = \"standby\""));
    let (outcome, findings) = usual.explain(&env(), PATIENT).await;
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", said(&outcome));
    let streaming = findings.iter().find(|finding| finding.what == "streaming");
    assert_eq!(streaming.expect("it is told").found, "nothing comes in");
    let late = "replication_lag = { warn = \"1ms\", fail = \"1h\" }";
    let parts = ["replication lag ", "(this standby; warn at 1 ms)"];
    assert_warns(&standby.url(), late, &parts).await;
}

async fn slots(url: &str, client: &Client) {
    // Nobody takes from the slot, and what it keeps grows until it is lost.
    let slots = "inactive_slots = { warn = \"1ms\", fail = \"1h\" }";
    until(&probe(&suite(url, slots)), "inactive slots ").await;
    let kept = "inactive_slots = false, replication_slots = { warn = \"64KiB\" }";
    assert_warns(url, kept, &["replication slots ", "(away;"]).await;
    run(client, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'").await;
    run(client, "ALTER SYSTEM SET wal_keep_size = 0").await;
    run(client, "SELECT pg_reload_conf()").await;
    for _ in 0..3 {
        run(
            client,
            "CREATE TABLE IF NOT EXISTS u (n int); INSERT INTO u VALUES (1)",
        )
        .await;
        run(client, "SELECT pg_switch_wal()").await;
    }
    let going = look(&suite(url, "inactive_slots = false")).await;
    let told = "the WAL of replication slot away is unreserved";
    assert_says(&going, Verdict::Warn, &[told]);
    let ignored =
        "inactive_slots = false, replication_slots = { warn = \"1GiB\", ignore = \"^away$$\" }";
    let ignored = look(&suite(url, ignored)).await;
    assert_eq!(ignored.verdict, Verdict::Pass, "{}", said(&ignored));
    run(client, "CHECKPOINT").await;
    let lost = look(&suite(url, "inactive_slots = false")).await;
    assert_says(
        &lost,
        Verdict::Fail,
        &["the WAL of replication slot away is lost"],
    );
}
