//! What a role that may not see everything is told, aspect by aspect.

use super::levels::all;
use super::*;

/// What it must be granted to see these.
const STATS: [&str; 7] = [
    "idle_in_transaction",
    "query_age",
    "transaction_age",
    "lock_waits",
    "replication_lag",
    "replication_bytes",
    "database_size",
];
const MONITOR: [&str; 2] = ["archive_ready", "wal_files"];
const DATA: [&str; 2] = ["bloat", "sequences"];

/// A server with something to see, and a role that may log in.
async fn prepared(tasks: &mut JoinSet<()>) -> (Postgres, Client) {
    let postgres = Postgres::start(&["autovacuum = off"]);
    let client = session(&postgres, tasks).await;
    let role = format!("CREATE ROLE mon LOGIN PASSWORD '{PASSWORD}'");
    run(&client, &role).await;
    run(
        &client,
        "CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)",
    )
    .await;
    run(&client, "ANALYZE t; CREATE SEQUENCE s").await;
    (postgres, client)
}

#[tokio::test]
async fn each_aspect_that_a_role_may_not_see_is_unknown_with_its_grant_and_the_rest_is_judged() {
    let mut tasks = JoinSet::new();
    let (postgres, client) = prepared(&mut tasks).await;
    let url = postgres.url_of("mon");
    // At first nothing, then more and more.
    for (grant, hidden) in [
        ("SELECT 1", [&STATS[..], &MONITOR, &DATA].concat()),
        (
            "GRANT pg_read_all_stats TO mon",
            [&MONITOR[..], &DATA].concat(),
        ),
        ("GRANT pg_monitor TO mon", DATA.to_vec()),
        ("GRANT pg_read_all_data TO mon", Vec::new()),
    ] {
        run(&client, grant).await;
        for keys in all(|(.., high)| (high, high)) {
            let (outcome, findings) = probe(&suite(&url, &keys)).explain(&env(), PATIENT).await;
            for finding in &findings {
                let key = finding.what.replace(' ', "_");
                let is_hidden = hidden.contains(&key.as_str()) && finding.verdict != Verdict::Pass;
                let grant = if DATA.contains(&key.as_str()) {
                    "GRANT pg_read_all_data TO mon"
                } else {
                    "GRANT pg_monitor TO mon"
                };
                let expected = if is_hidden {
                    Verdict::Unknown
                } else {
                    Verdict::Pass
                };
                assert_eq!(finding.verdict, expected, "{finding:?}");
                assert!(!is_hidden || finding.found.contains(grant), "{finding:?}");
            }
            let unseen = |key: &&&str| {
                findings.iter().any(|finding| {
                    finding.what == key.replace('_', " ") && finding.verdict == Verdict::Unknown
                })
            };
            let wanted = |key: &&&str| keys.contains(&format!("{key} = {{"));
            let unseen = hidden
                .iter()
                .filter(wanted)
                .filter(|key| !unseen(key))
                .count();
            assert_eq!(unseen, 0, "{grant}: {findings:?}");
            let is_whole = !hidden.iter().any(|key| wanted(&key));
            let expected = if is_whole {
                Verdict::Pass
            } else {
                Verdict::Unknown
            };
            assert_eq!(outcome.verdict, expected, "{grant}: {}", said(&outcome));
        }
    }
}

#[tokio::test]
async fn what_was_revoked_from_everybody_is_told_in_the_words_of_the_server() {
    let mut tasks = JoinSet::new();
    let (postgres, client) = prepared(&mut tasks).await;
    let url = postgres.url_of("mon");
    run(&client, "REVOKE SELECT ON pg_stat_archiver FROM PUBLIC").await;
    run(&client, "GRANT pg_read_all_stats TO mon").await;
    let named = look(&suite(&url, "archiver = true")).await;
    let grant = "archiver: could not look: GRANT pg_monitor TO mon";
    assert_says(&named, Verdict::Unknown, &[grant]);
    run(&client, "GRANT pg_monitor TO mon").await;
    let named = look(&suite(&url, "archiver = true")).await;
    let reason = "archiver: could not look: permission denied for view pg_stat_archiver";
    assert_says(&named, Verdict::Unknown, &[reason]);
    let plain = look(&suite(&url, "")).await;
    let left_out = "1 aspect not seen: permission denied for view pg_stat_archiver";
    assert_says(&plain, Verdict::Pass, &[left_out]);
}
